#!/bin/sh
# check_schema.py where there is a Python to run it.
if ! command -v python3 >/dev/null; then
  echo "SKIPPED: python3 cannot be started"
  exit 77
fi
exec python3 "$(dirname "$0")/check_schema.py" "$@"
