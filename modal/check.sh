#!/bin/sh
# Lint, types and tests of this package. Needs a Python with requirements-dev.txt installed:
#   ./check.sh [path of that python]
set -eu
python=$(command -v "${1:-python3}")
case $python in /*) ;; *) python=$PWD/$python ;; esac
cd "$(dirname "$0")"
"$python" -m ruff format --check .
"$python" -m ruff check .
"$python" -m mypy
"$python" -m pytest
