#!/bin/sh
# Peak memory and time per customer of every command, by the number of customers.
#
#   bench/scaling_memory.sh PROGRAM FOLDER [CUSTOMERS...]
#
# PROGRAM is a clvsim, FOLDER has room for 1 kB a customer of the largest number (default: 10000 100000 1000000 10000000).
# Generated logs of the retail model; 16 paths of 12 periods, so that reading and writing are not hidden behind computing.
# The peak is that of the command or of the child that checks its input, whichever is larger.
set -eu
program=$1
folder=$2
shift 2
[ $# -gt 0 ] || set -- 10000 100000 1000000 10000000
model=$(dirname "$0")/../configs/models/generator_retail.toml
work=$(mktemp -d "$folder/scaling.XXXXXX")
trap 'rm -rf "$work"' EXIT

measure() {
  /usr/bin/time -f '%e %U %S %M' -o "$work/time" "$program" "$@" >"$work/out" 2>&1 || {
    cat "$work/out" >&2
    exit 1
  }
  awk -v command="$label" -v n="$customers" '{
    printf "%-20s %9d %9.2f s %9.3f us/customer %9.3f CPU us/customer %9.1f MiB\n", command, n, $1, $1 * 1e6 / n,
           ($2 + $3) * 1e6 / n, $4 / 1024 }' "$work/time"
}

for customers in "$@"; do
  label=generate measure generate --model "$model" --customers "$customers" -o "$work/log.csv"
  label=import measure import "$work/log.csv" --observation-end 1997-12-31 -o "$work/store.h5"
  rm "$work/log.csv"
  label=fit measure fit "$work/store.h5" --force -o "$work/model.toml"
  label=simulate measure simulate "$work/store.h5" --force --model "$work/model.toml" --paths 16 --horizon 12 -o "$work/run.h5"
  label=export measure export "$work/run.h5" --csv "$work/run.csv"
  rm "$work/run.csv"
  label=verify measure verify "$work/run.h5"
  label=inspect measure inspect "$work/store.h5"
  label="simulate --customers" measure simulate --customers "$customers" --model "$work/model.toml" --paths 16 --horizon 12 \
    --force -o "$work/run.h5"
  rm "$work"/*.h5
done
