#!/usr/bin/env bash
# Writes the locked, hash-checked requirement files from pyproject.toml. Run it after changing a dependency there.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { # lock OUTPUT ARGUMENT...
    local output=$1
    shift
    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command requirements/compile.sh --quiet --output-file "requirements/$output" "$@"
}
lock gateway.txt --group build
lock serve.txt --group build --group triton
lock dev.txt --group build --group triton --group train --group otel --group dev
