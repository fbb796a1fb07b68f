# Sourced by the other scripts: installs the Debian packages that a list names, where they are missing.

build_packages="g++ cmake ninja-build git libhdf5-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libfmt-dev
  libxxhash-dev zlib1g-dev libssl-dev libthrust-dev"
test_packages="libgtest-dev libgmock-dev librandom123-dev clang hdf5-tools python3-h5py python3-numpy python3-pandas clang-format"
bundle_packages="patchelf binutils"

# need_packages PACKAGE...: nothing where all are installed; else apt-get, with sudo where not root.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return 0
  local root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "error: these Debian packages are missing and there is no sudo: ${missing[*]}" >&2; exit 5; }
    root=(sudo)
  fi
  echo "installing Debian packages: ${missing[*]}"
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Builds a preset. Compiling takes up to 2 GiB a job.
build_preset() {
  cmake --preset "$1" >"build-$1.log.tmp" 2>&1 || { cat "build-$1.log.tmp" >&2; exit 1; }
  grep -E '^-- CUDA backend' "build-$1.log.tmp" || true
  rm -f "build-$1.log.tmp"
  cmake --build --preset "$1" | tail -n 1
}
