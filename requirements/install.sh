#!/bin/sh
# Make .venv from the hashed lock: with uv if it is on the PATH, else with uv fetched by pip.
set -eu
test -x .venv/bin/python || "${PYTHON:-python3}" -m venv .venv
command -v uv >/dev/null || .venv/bin/pip install --quiet --disable-pip-version-check \
  --require-hashes --requirement requirements/uv.txt
uv pip install --quiet --python .venv/bin/python --require-hashes --requirement requirements/lock.txt
uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/ready
