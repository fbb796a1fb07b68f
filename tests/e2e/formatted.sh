#!/bin/sh
# formatted.sh CLANG-FORMAT FOLDER: fails where a source is not as .clang-format says.
set -eu
cd "$2"
git ls-files '*.hpp' '*.cpp' '*.cu' | xargs "$1" --dry-run -Werror
