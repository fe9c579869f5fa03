#!/bin/sh
# A throw-away environment with real Keras 3 and Keras 2, and what it says of the
# files that we write.
#
# usage: keras_environment.sh WRITE_KERAS_FILES [PYTHON]
#   WRITE_KERAS_FILES  the program of that name
#   PYTHON             a Python that has keras, tf_keras and tensorflow; without
#                      one they are installed from PyPI into a temporary folder
set -e
program=$1
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${2:-}
if [ -z "$python" ]; then
  python3 -m venv "$folder/environment"
  python="$folder/environment/bin/python"
  "$python" -m pip install --quiet keras tf_keras tensorflow-cpu
fi
mkdir "$folder/files"
"$program" "$folder/files"
"$python" "$here/keras_opens_ours.py" "$folder/files"
"$python" "$here/keras2_opens_ours.py" "$folder/files"
