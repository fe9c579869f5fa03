#!/usr/bin/env bash
# From a fresh clone to a trained network: installs what is missing, builds the
# keratin program in Release into build/, trains a small CNN on handwritten
# digits, checks it and draws a few. Run again, it does only what is left to do.
set -euo pipefail
cd "$(dirname "$0")/.."

keratin=build/bin/keratin
model=digits.keras
out=build/quickstart

step() { printf '\n== %s\n' "$*"; }

step "1/5 Libraries from the distribution"
scripts/install_deps.sh
echo "all there"

step "2/5 Building the keratin program (Release, into build/)"
cmake --preset release >/dev/null
cmake --build --preset release --target keratin_cli

mkdir -p "$out"
# The mark is set when training has come to its end: an interrupted run trains
# again.
if [[ -s $model && -e $out/trained && $out/trained -nt examples/digits.json ]]; then
  step "3/5 $model is trained already; remove it to train again"
else
  step "3/5 Training a small CNN on 8x8 handwritten digits (examples/digits.json)"
  "$keratin" train examples/digits.json --predictions "$out/trained.npy"
  touch "$out/trained"
fi

step "4/5 Evaluating what was saved: $model, read back from disk"
"$keratin" evaluate "$model" --config examples/digits.json
"$keratin" predict "$model" --data digits:test --output "$out/reloaded.npy"
if cmp -s "$out/trained.npy" "$out/reloaded.npy"; then
  echo "The reloaded model predicts exactly what the trained one did."
else
  echo "quickstart: the reloaded model predicts differently" >&2
  exit 1
fi

step "5/5 A few test digits and what the network says"
"$keratin" predict "$model" --data digits:test --draw 8

cat <<END

Try next:
  $keratin summary $model
  $keratin train examples/digits.json --set fit.epochs=5 --set output.model=longer.keras --verbose
  $keratin --help
END
