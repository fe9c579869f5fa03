#!/usr/bin/env bash
# scripts/install_deps.sh where nothing is installed: what it says and runs when
# sudo is absent, refuses and lets. The system's programs are stand-ins.
set -euo pipefail
script=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

stand_in() { # NAME BODY
  printf '#!/bin/bash\n%s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
}
stand_in dpkg-query 'exit 1'
stand_in apt-get 'echo "apt-get $*" >>"$LOG"'
stand_in id 'echo 1000'
ln -s "$(command -v env)" "$(command -v bash)" "$work"
export LOG=$work/log

# What it says goes to $work/said; its exit code is checked.
run() { # CODE
  local code=0
  : >"$LOG"
  PATH=$work "$work/bash" "$script" >"$work/said" 2>&1 </dev/null || code=$?
  cat "$work/said"
  [[ $code == "$1" ]] || { echo "FAILED: expected $1, got $code"; exit 1; }
}
said() { grep -qF -- "$1" "$work/said" || { echo "FAILED: expected '$1'"; exit 1; }; }

echo "-- without sudo"
run 1
said "ask an administrator to run:"
said "apt-get install g++ cmake ninja-build"

echo "-- with a sudo that refuses"
stand_in sudo 'echo "sudo: a password is required" >&2; exit 1'
run 1
said "ask an administrator to run:"
[[ ! -s $LOG ]]

echo "-- with a sudo that lets, and a compiler of its own"
stand_in sudo '[[ $1 == -n ]] && shift; exec "$@"'
stand_in true ''
stand_in clang++ ''
run 0
grep -q "apt-get install .* cmake ninja-build" "$LOG"
if grep -q "g++" "$LOG"; then
  echo "FAILED: installs g++ beside clang++"
  exit 1
fi
