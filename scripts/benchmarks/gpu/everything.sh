#!/usr/bin/env bash
# Everything that needs an NVIDIA GPU, on a machine with one: environment, export, the tests of the served answers, and the
# three runs of `bin-it-right dev gpu-run`. Each step's output lands in the folder RESULTS, and one line for each in
# summary.txt.
#
#   scripts/benchmarks/gpu/everything.sh RESULTS [PHOTOS [STEP…]]
#
# PHOTOS is a folder, "" for drawn ones. Steps: environment export served service ceilings prototypes; all of them by
# default. Each of the last three ends within 8 minutes. A step that fails does not end the others; the status then is 1.
# Without a network: WHEELS=FOLDER names a folder with the wheels of requirements/dev.txt and uv.txt, filled elsewhere by
#   pip download --require-hashes --no-deps --dest FOLDER -r requirements/dev.txt   (and the same with uv.txt)
set -uo pipefail
cd "$(dirname "$0")/../../.." || exit 1
results=$(realpath -m "${1:?say where the results shall go, for instance build/gpu}")
photos=${2:-}
shift $(($# < 2 ? $# : 2))
steps=("$@")
((${#steps[@]})) || steps=(environment export served service ceilings prototypes)
python=${VENV:-.venv}/bin/python
if [[ ${WHEELS:-} ]]; then
    wheels=$(realpath "$WHEELS") || exit 1
    export PIP_NO_INDEX=1 PIP_FIND_LINKS=$wheels UV_NO_INDEX=1 UV_FIND_LINKS=$wheels UV_OFFLINE=1
fi
mkdir -p "$results"
failed=0

step() { # NAME SECONDS COMMAND…: standard output to NAME.txt, standard error to NAME.log and the terminal
    local name=$1 limit=$2 began=$SECONDS status
    shift 2
    echo "$name …" >&2
    timeout --kill-after=30 "$limit" "$@" > "$results/$name.txt" 2> >(tee "$results/$name.log" >&2)
    status=$?
    ((status)) && failed=1
    echo "$name: status $status, $((SECONDS - began)) s" | tee -a "$results/summary.txt" >&2
}

{ nvidia-smi || echo "nvidia-smi: none"; uname -a; nproc; git describe --always --dirty; } > "$results/machine.txt" 2>&1
for name in "${steps[@]}"; do
    case $name in
        environment) step environment 900 "${PYTHON:-python3}" scripts/environment.py dev --venv "${VENV:-.venv}" ;;
        export) step export 300 "$python" -m scripts.cli.main export ;;
        served)
            step served 900 env EMBEDDED_TRITON_PROFILE=auto "$python" -m pytest -ra tests/e2e/answers/test_triton_answers.py \
                tests/e2e/answers/test_formats.py tests/e2e/answers/test_skew.py
            ;;
        service | ceilings | prototypes)
            step "$name" 540 "$python" -m scripts.benchmarks.gpu.runs "$name" ${photos:+"$photos"}
            ;;
        *) echo "error: there is no step $name" >&2; failed=1 ;;
    esac
done
exit "$failed"
