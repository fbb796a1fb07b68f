# Sourced by the scripts of the bundle, which set $here to its folder. Shell only: a bare machine may have nothing else.
# A process has one C library: the machine's, where it is new enough, else the bundle's, with its own loader.
loader=
if ! "$here/bin/clvsim" --version >/dev/null 2>&1; then
  for loader in "$here"/lib/glibc/ld-linux-*; do :; done
fi

# start PROGRAM ARGUMENT...
start() {
  if [ -n "$loader" ]; then
    "$loader" --library-path "$here/lib/glibc:$here/lib" "$@"
  else
    "$@"
  fi
}
