#!/usr/bin/env bash
# From a fresh clone to a trained network: installs what is missing, builds the
# keratin program in Release into build/, trains a small CNN on handwritten
# digits, checks it and draws a few. Run again, it does only what is left to do.
#
#   scripts/quickstart.sh [PROGRAM]
#
# With PROGRAM, a keratin that is built already, it installs and builds nothing
# and writes into the folder where it is called.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

step() { printf '\n== %s\n' "$*"; }

if [[ $# -gt 0 ]]; then
  keratin=$1
  out=quickstart
else
  cd "$root"
  keratin=build/bin/keratin
  out=build/quickstart

  step "1/5 Libraries from the distribution"
  scripts/install_deps.sh
  echo "all there"

  step "2/5 Building the keratin program (Release, into build/)"
  cmake --preset release >/dev/null
  cmake --build --preset release --target keratin_cli
fi
config=$root/examples/digits.json
if [[ $PWD == "$root" ]]; then config=examples/digits.json; fi
model=digits.keras
mkdir -p "$out"

# What a trained model depends on, and the model itself.
library=$(ldd "$keratin" | sed -n 's/.*libkeratin[^ ]* => \([^ ]*\).*/\1/p')
sources=("$config" "$keratin" ${library:+"$library"})
sums() { sha256sum "$model" "${sources[@]}" 2>/dev/null || true; }

# The mark is set when training has come to its end: an interrupted run trains
# again, and so does one with another program, config or model.
mark=$out/trained.sha256
if [[ -s $mark && -s $out/trained.npy && $(sums) == "$(<"$mark")" ]]; then
  step "3/5 $model is trained already; remove it to train again"
else
  step "3/5 Training a small CNN on 8x8 handwritten digits (examples/digits.json)"
  if [[ -e $model ]] && ! grep -qsF "$(sha256sum "$model")" "$mark"; then
    mv --backup=numbered "$model" "$model.bak"
    echo "$model was another model; it is kept as $model.bak"
  fi
  rm -f "$mark"
  "$keratin" train "$config" --predictions "$out/trained.npy"
  sums >"$mark"
fi

step "4/5 Evaluating what was saved: $model, read back from disk"
scores=$("$keratin" evaluate "$model" --config "$config")
echo "$scores"
wanted=0.975
if ! awk -v wanted="$wanted" \
  '$1 == "accuracy:" && $2 >= wanted { ok = 1 } END { exit !ok }' \
  <<<"$scores"; then
  echo "quickstart: expected a test accuracy of at least $wanted" >&2
  exit 1
fi
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
  $keratin train $config --set fit.epochs=5 --set output.model=longer.keras --verbose
  $keratin --help
END
