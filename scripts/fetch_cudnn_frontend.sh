#!/usr/bin/env bash
# Fetches the headers of cuDNN's C++ front end (Apache-2.0; the CUDA backend
# compiles against them) from the wheel on PyPI, checks them and unpacks them
# into build-deps/cudnn_frontend. Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.32.0
# The x86-64 wheel for Python 3.11; the headers in all wheels are the same.
checksum=c6006556017a4d1c914c52a556c71b1267f2d6a0500f742e7b4edef539878df0
target=build-deps/cudnn_frontend

if [[ -e $target/include/cudnn_frontend.h && \
      "$(cat "$target/version" 2>/dev/null)" == "$version" ]]; then
  exit 0
fi
for tool in python3 sha256sum; do
  if ! command -v "$tool" >/dev/null; then
    echo "fetch_cudnn_frontend: needs $tool" >&2
    exit 1
  fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! timeout 120 python3 -m pip download --quiet --disable-pip-version-check \
     --no-deps --only-binary=:all: --python-version 3.11 --implementation cp \
     --platform manylinux_2_27_x86_64 --dest "$work" \
     "nvidia-cudnn-frontend==$version"; then
  echo "fetch_cudnn_frontend: cannot fetch nvidia-cudnn-frontend $version;" \
       "unpack its include folder into $target yourself, or point CMake's" \
       "CudnnFrontend_ROOT at an installed one" >&2
  exit 1
fi
wheel=$(echo "$work"/*.whl)
if ! echo "$checksum  $wheel" | sha256sum --check --status; then
  echo "fetch_cudnn_frontend: $(basename "$wheel") has another checksum than" \
       "expected ($checksum); nothing is unpacked" >&2
  exit 1
fi
python3 - "$wheel" "$work/unpacked" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = [n for n in wheel.namelist()
             if n.startswith("include/") or "/licenses/" in n]
    wheel.extractall(sys.argv[2], names)
PYTHON
rm -rf "$target"
mkdir -p "$(dirname "$target")"
mv "$work/unpacked" "$target"
echo "$version" >"$target/version"
echo "fetch_cudnn_frontend: $version is in $target"
