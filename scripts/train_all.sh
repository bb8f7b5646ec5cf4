#!/usr/bin/env bash
# Train both models anew, from nothing. Runs again where it was interrupted.
#
#   scripts/train_all.sh TRASHNET_FOLDER [WEB_PARQUET [GENERAL_PARQUET [PLACES_FOLDER [HELD_OUT_PLACE …]]]]
#
# 1. `raw` from random weights, in rounds; 2. ResNet-50 on general pictures, where GENERAL_PARQUET is given, else ImageNet's
# weights, which are downloaded; 3. `pretrained` from them; 4. where PLACES_FOLDER is given, all of `raw` and the top layers
# of `pretrained` on photos from other places: each Parquet file of it is a place, and those that are held out are never
# read. CHOOSE_BY="PLACE …" names places that the last layers alone learn from, to choose a threshold by. Step 4 needs
# GENERAL_PARQUET and the dependency group imagenet too. On an NVIDIA GPU the longer recipes are taken for steps 1 to 3.
set -euo pipefail
cd "$(dirname "$0")/.."
trashnet=${1:?say where the TrashNet folder is, for instance data/processed/trashnet}
web=${2:-} general=${3:-} places=${4:-} runs=${RUNS:-runs} python=${PYTHON:-.venv/bin/python}
held_out=("${@:5}")
suffix=""
if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then suffix=_gpu; fi
extra=() ground=()
[[ -n $web ]] && extra=(--extra "$web")
[[ -n $general ]] && ground=(--general "$general")

# train DATASET RUN MODEL RECIPE [OPTION …]
train() {
    local dataset=$1 run=$2 model=$3 recipe=$4
    "$python" -m scripts.cli.main train "$dataset" "$runs/$run" --model "$model" --recipe "$recipe" "${@:5}" --resume
}

rounds=(raw raw_restart raw_restart_large raw_restart_larger)
[[ -n $suffix ]] && rounds=(raw_gpu raw_full_size_gpu)
before=()
for round in "${rounds[@]}"; do
    train "$trashnet" "$round" raw "$round" "${before[@]}" "${extra[@]}"
    before=(--init "$runs/$round/best.safetensors")
done

init=(--init imagenet)
if [[ -n $general ]]; then
    train "$general" general pretrained "general$suffix"
    init=(--init "$runs/general/best.safetensors")
fi
train "$trashnet" pretrained pretrained "pretrained$suffix" "${init[@]}" "${extra[@]}"

[[ -n $places ]] || exit 0
below=("${extra[@]}")
for file in "$places"/*.parquet; do
    name=$(basename "$file" .parquet)
    [[ " ${held_out[*]} " == *" $name "* ]] && continue
    extra+=(--extra "$file")
    [[ " ${CHOOSE_BY:-} " == *" $name "* ]] || below+=(--extra "$file")
done

# raw_on_places RECIPE SHARE FILE [OPTION …]: train from a network that lies SHARE of the way from that of step 1 to FILE.
raw_on_places() {
    local recipe=$1 share=$2 file=$3 between="$runs/$1/start.safetensors"
    "$python" -m scripts.cli.main dev interpolate-weights "$of_step_1" "$file" "$between" --share "$share"
    train "$trashnet" "$recipe" raw "$recipe" --init "$between" "${below[@]}" "${ground[@]}" "${@:4}"
}
of_step_1=${before[1]}
raw_on_places raw_places 0 "$of_step_1"
raw_on_places raw_places_finish 0.8 "$runs/raw_places/best.safetensors"
raw_on_places raw_places_taught 0.6 "$runs/raw_places_finish/best.safetensors" --teacher "$of_step_1"
"$python" -m scripts.cli.main dev interpolate-weights "$runs/raw_places_finish/best.safetensors" \
    "$runs/raw_places_taught/best.safetensors" "$runs/raw_before_last_layer.safetensors" --share 0.7
train "$trashnet" raw_last_layer_places raw raw_last_layer_places --init "$runs/raw_before_last_layer.safetensors" \
    "${extra[@]}" "${ground[@]}"
train "$trashnet" pretrained_places pretrained pretrained_places --init "$runs/pretrained/best.safetensors" \
    --teacher "$runs/pretrained/best.safetensors" "${below[@]}" "${ground[@]}"
train "$trashnet" pretrained_last_layer_places pretrained last_layer_places \
    --init "$runs/pretrained_places/best.safetensors" "${extra[@]}" "${ground[@]}"
