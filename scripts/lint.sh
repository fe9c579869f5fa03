#!/usr/bin/env bash
# Checks the form of the sources: clang-format on all of them, then clang-tidy,
# on all or on those given: scripts/lint.sh [FILE.cpp ...]. Non-zero when either
# has something to say. clang-tidy takes some five seconds a file.
set -euo pipefail
cd "$(dirname "$0")/.."

format=$(command -v clang-format-14 || command -v clang-format)
tidy=$(command -v clang-tidy-14 || command -v clang-tidy)
jobs=${KERATIN_JOBS:-$(nproc)}

git ls-files -z '*.cpp' '*.hpp' \
  | xargs -0 -P "$jobs" -n 50 "$format" --dry-run -Werror

# clang reads no headers that GCC precompiled.
cmake --preset dev -B build-tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
  -DCMAKE_CXX_COMPILER="$(command -v clang++-14 || command -v clang++)" \
  > /dev/null

if [[ $# -gt 0 ]]; then
  printf '%s\0' "$@"
else
  # What is compiled; tests also keep sources that others compile.
  sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build-tidy/compile_commands.json \
    | grep -v '^.*/build-' | sort -u | tr '\n' '\0'
fi | xargs -0 -P "$jobs" -n 1 \
  "$tidy" -p build-tidy --quiet --warnings-as-errors='*'
