#!/usr/bin/env bash
# Trains both models from nothing: ResNet-50 on general pictures, then both networks on photos of garbage.
# Runs again where it was interrupted. On a machine with an NVIDIA GPU it takes the longer recipes, sized for 8 minutes on an
# H200-class GPU: each was run there, beside others, which added up to 13 minutes; the whole was not (docs/experiments.md,
# 2026-11-28). Without a GPU it takes those that two CPU cores finish in half a day.
#
#   scripts/train_all.sh TRASHNET_FOLDER [WEB_PARQUET [GENERAL_PARQUET]]
set -euo pipefail
cd "$(dirname "$0")/.."
trashnet=${1:?say where the TrashNet folder is, for instance data/processed/trashnet}
web=${2:-} general=${3:-} runs=${RUNS:-runs} python=${PYTHON:-.venv/bin/python}
suffix=""
if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then suffix=_gpu; fi
extra=() init=(--init imagenet) teacher=() recipe=pretrained$suffix
[[ -n $web ]] && extra=(--extra "$web")

train=("$python" -m training train "$trashnet")

# Small pictures keep a large GPU half idle, while Python starts the next kernels: there `raw` runs beside the other.
if [[ -n $suffix ]]; then
    mkdir -p "$runs"
    echo "raw trains beside ResNet-50; its progress is in $runs/raw.log"
    "${train[@]}" "$runs/raw" --model raw --recipe raw_gpu "${extra[@]}" --resume > "$runs/raw.log" 2>&1 &
    raw=$!
    trap 'kill "$raw" 2>/dev/null || true' EXIT
fi
if [[ -n $general ]]; then
    "$python" -m training train "$general" "$runs/general" --model pretrained --recipe "general$suffix" --resume
    init=(--init "$runs/general/best.safetensors")
    # A `pretrained` that did not start from ImageNet learns from `raw`; one that did would have nothing to learn from it.
    if [[ -n $suffix ]]; then
        wait "$raw"
        recipe=pretrained_taught_gpu teacher=(--teacher "$runs/raw/best.safetensors")
    fi
fi
"${train[@]}" "$runs/pretrained" --model pretrained --recipe "$recipe" "${init[@]}" "${teacher[@]}" "${extra[@]}" --resume
if [[ -n $suffix ]]; then
    [[ -n $general ]] || wait "$raw"
    exit
fi
# Without a GPU `raw` is trained in rounds, each from the best weights of the one before.
before=()
for round in raw raw_second raw_third raw_fourth raw_fifth; do
    "${train[@]}" "$runs/$round" --model raw --recipe "$round" "${before[@]}" "${extra[@]}" --resume
    before=(--init "$runs/$round/best.safetensors")
done
# Only then is there one to teach `pretrained`.
[[ -n $general ]] || exit 0
taught="$runs/pretrained"
for round in pretrained_second pretrained_third; do
    "${train[@]}" "$runs/$round" --model pretrained --recipe "$round" --init "$taught/best.safetensors" \
        --teacher "$runs/raw_fifth/best.safetensors" "${extra[@]}" --resume
    taught="$runs/$round"
done
