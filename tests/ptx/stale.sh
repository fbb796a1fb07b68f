#!/bin/sh
# scripts/ptx --check sees a change of code, names the file, and lets comments change. Usage: stale.sh SOURCE_DIR
set -eu
source_dir=$1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$source_dir"
mkdir -p "$copy/tests/ptx"
cp tests/ptx/*.ptx "$copy/tests/ptx"
for file in scripts/ptx cmake/ClvsimCuda.cmake $(sed -n 's/^\/\/ source \([^ ]*\) .*/\1/p' tests/ptx/*.ptx | sort -u); do
  mkdir -p "$copy/$(dirname "$file")"
  cp "$file" "$copy/$file"
done
cd "$copy"
scripts/ptx --check
echo '// a remark   ' >>kernels/math/portable.hpp
scripts/ptx --check || { echo 'a comment made it stale'; exit 1; }
echo 'constexpr int one_more = 1;' >>kernels/math/portable.hpp
if said=$(scripts/ptx --check 2>&1); then echo 'changed code passed'; exit 1; fi
echo "$said" | grep -q 'functions.ptx is stale: kernels/math/portable.hpp changed.*scripts/ptx makes it anew' ||
  { echo "it said: $said"; exit 1; }
rm kernels/math/portable.hpp
if scripts/ptx --check 2>/dev/null; then echo 'a missing source passed'; exit 1; fi
cp "$source_dir/kernels/math/portable.hpp" kernels/math
sed -i 's/--fmad=false/--fmad=true/' cmake/ClvsimCuda.cmake
if scripts/ptx --check 2>/dev/null; then echo 'changed flags passed'; exit 1; fi
