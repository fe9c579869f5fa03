#!/bin/sh
# check_quickstart.sh PROGRAM DATA [SANITIZERS]
#
# Runs examples/quickstart.cpp, the README's program, on the MNIST of KERATIN_DATA
# (else DATA): at least 0.95 test accuracy after its two epochs (Keras: 0.96),
# and a saved model.
set -eu
program=$1
export KERATIN_DATA="${KERATIN_DATA:-$2}"
export KERATIN_OFFLINE=1
shift 2
if [ $# -gt 0 ]; then
  echo "SKIPPED: takes too long under the sanitizers $*"
  exit 77
fi
if ! [ -e "$KERATIN_DATA/datasets/mnist" ] && ! [ -e "$KERATIN_DATA/mnist" ]; then
  echo "SKIPPED: no datasets/mnist under $KERATIN_DATA (KERATIN_DATA)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$program" | tee said
# The last line is evaluate's.
tail -n 1 said | awk '
  { for (i = 1; i < NF; ++i) if ($i == "accuracy:") accuracy = $(i + 1) }
  END { exit !(accuracy >= 0.95) }
' || { echo "expected an accuracy of at least 0.95"; exit 1; }
test -s quickstart.keras
