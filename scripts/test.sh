#!/usr/bin/env bash
# Builds everything and runs every test. Non-zero when anything fails.
#
# KERATIN_PRESET (dev by default) picks the CMake preset, KERATIN_WERROR=ON
# makes warnings errors, KERATIN_JOBS sets how many jobs run at once. Arguments
# go to CTest, e.g. scripts/test.sh -R '^core'.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${KERATIN_PRESET:-dev}
jobs=${KERATIN_JOBS:-$(nproc)}

scripts/install_deps.sh
if ! scripts/install_deps.sh --tests; then
  echo "test.sh: some tests will be skipped" >&2
fi
# The CUDA backend builds where the toolkit is; its one other dependency comes
# from PyPI. Without it the rest is built and tested.
if [[ -e ${CUDA_HOME:-/usr/local/cuda}/include/cudnn.h ]]; then
  scripts/fetch_cudnn_frontend.sh || echo "test.sh: without CUDA" >&2
fi
cmake --preset "$preset" "-DKERATIN_WERROR=${KERATIN_WERROR:-OFF}"
cmake --build --preset "$preset" --parallel "$jobs"

# Tests run side by side: threads that wait for others must not keep them from
# the processor.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
ctest --preset "$preset" --output-on-failure --no-tests=error \
  --parallel "$jobs" "$@" 2>&1 | tee "$log" || status=$?

closing=$(grep -E '^[0-9]+% tests passed' "$log" || true)
if [[ -z $closing ]]; then
  echo "test.sh: CTest did not finish" >&2
  exit 1
fi
total=${closing##*out of }
skipped=$(grep -cE '\*\*\*Skipped' "$log" || true)
build=$(sed -n 's/^Test project //p' "$log" | head -n 1)
reasons=$(grep -hE '^SKIPPED: ' "$build/Testing/Temporary/LastTest.log" \
  | sort | uniq -c || true)
if [[ -n $reasons ]]; then
  printf '\nCases skipped, and why:\n%s\n' "$reasons"
fi
echo
echo "$((total - skipped)) run, $skipped skipped"
echo "$closing"
exit "$status"
