#!/bin/sh
# A file compiled for one instruction set must not emit code under a name that other files share: the linker keeps one
# copy, and a machine without the instructions would run it. Reads the symbols of the object files.
#   lane_symbols.sh NAME=OBJECT...   every weak symbol of OBJECT must have NAME's type in its name
status=0
for pair in "$@"; do
  name=${pair%%=*} object=${pair#*=}
  symbols=$(nm --demangle --defined-only "$object") || exit 1
  [ -n "$symbols" ] || { echo "$object has no symbols"; exit 1; }
  shared=$(printf '%s\n' "$symbols" | grep -E ' [VWuvw] ' | grep -v "$name")
  [ -z "$shared" ] || { echo "$object shares:"; echo "$shared"; status=1; }
done
[ $status = 0 ] && echo "$# object files share no code"
exit $status
