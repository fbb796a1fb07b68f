#!/bin/sh
# Compiles the CUDA backend for every architecture that the toolkit offers of those supported, and fails where ptxas
# reports a stack frame or a spill. Usage: engine_cuda_resources.sh SOURCE_DIR FLAGS... Exit 77 (skipped) without nvcc.
set -eu
source_dir=$1
shift
flags=$*
nvcc=$(command -v nvcc || true)
if [ -z "$nvcc" ] && [ -x /usr/local/cuda/bin/nvcc ]; then nvcc=/usr/local/cuda/bin/nvcc; fi
if [ -z "$nvcc" ]; then
  echo "skipped: no nvcc here"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
offered=$("$nvcc" --list-gpu-arch)
n=0
set --
for arch in 75 80 86 89 90 100 120; do
  if echo "$offered" | grep -qx "compute_$arch"; then
    set -- "$@" -gencode "arch=compute_$arch,code=sm_$arch"
    n=$((n + 1))
  else
    echo "not offered by this toolkit: sm_$arch"
  fi
done
# shellcheck disable=SC2086  # the flags are words
"$nvcc" -std=c++20 -O3 $flags \
  -Xptxas -v -I"$source_dir" -I"$source_dir/include" "$@" -c "$source_dir/kernels/backend/cuda.cu" \
  -o "$folder/cuda.o" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
grep -E "for 'sm_|stack frame|Used" "$folder/log" | sed 's/.*Compiling entry function.*for/kernel for/'
reports=$(grep -c 'stack frame' "$folder/log")
clean=$(grep -c ' 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads' "$folder/log")
echo "$clean of $reports functions without stack frame and spill, $n architectures"
[ "$reports" -ge "$n" ] && [ "$clean" -eq "$reports" ] && [ "$n" -gt 0 ]
