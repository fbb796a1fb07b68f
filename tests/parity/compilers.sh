#!/usr/bin/env bash
# Compiles the engine by one compiler at one level of optimisation, without the build system, and compares its digests with
# digests.txt:
#   tests/parity/compilers.sh COMPILER LEVEL FOLDER       e.g. clang++ -O0 /tmp/clang_O0
# Exits with 77 (skipped) where there is no such compiler. Everything is compiled with the flags of cmake/ClvsimBuild.cmake.
set -euo pipefail
compiler=$1 level=$2 folder=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v "$compiler" >/dev/null || { echo "skipped: no $compiler"; exit 77; }
mkdir -p "$folder"
flags=(-std=c++20 "$level" -ffp-contract=off -DNDEBUG -DFMT_HEADER_ONLY -DCLVSIM_X86_LANES=1 -w -I"$root" -I"$root/include")
sources=("$root"/host/run/{alias_row,chain_tables,dirichlet_tables,worlds,discounting,backends,engine,estimates,event_tables,options,pipeline,segment_places,spend_posterior}.cpp
  "$root"/host/run/{behaviour_program,contract_program,dirichlet_program,purchase_program}.cpp "$root"/host/math/special.cpp
  "$root"/host/model/{behaviour_file,bg_bb,bg_nbd,chain_covariate_check,chain_covariate_file,chain_covariates,chain_segments,check,chain_draws,contract_model,covariates,dwell,gamma_gamma,histories,lever_file,levers,log_normal,migration_chain,model_file,parameter_draws,pareto_nbd,purchase_model,transitions}.cpp
  "$root"/host/base/{calendar,customers,output_file,text,toml_file}.cpp "$root"/kernels/backend/{cpu,cuda_absent,split}.cpp
  "$root"/kernels/lanes/*.cpp "$root"/tests/parity/digests.cpp)
for source in "${sources[@]}"; do
  object=$folder/$(basename "$(dirname "$source")")_$(basename "$source" .cpp).o
  more=()
  case $source in
    */lanes/avx2.cpp) more=(-mavx2 -mfma) ;;
    */lanes/avx512.cpp) more=(-mavx512f -mavx512bw -mavx512dq -mavx512vl) ;;
  esac
  echo "$compiler" "${flags[@]}" "${more[@]}" -c "$source" -o "$object"
done | xargs -P "$(nproc)" -I{} sh -c '{}'
objects=()
for source in "${sources[@]}"; do objects+=("$folder/$(basename "$(dirname "$source")")_$(basename "$source" .cpp).o"); done
"$compiler" "${objects[@]}" -o "$folder/digests" -pthread
"$folder/digests" quick >"$folder/digests.txt"
diff "$root/tests/parity/digests.txt" "$folder/digests.txt" && echo "$compiler $level: $(wc -l <"$folder/digests.txt") digests are the same"
