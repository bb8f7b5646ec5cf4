# shellcheck shell=bash
# shellcheck disable=SC2034 # the steps use what is set here
# What every step shares: settings from the environment, and `run`, which prints a command before it runs it.
set -euo pipefail
step=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dry_run=
arguments=()
for argument in "$@"; do
    case $argument in
        --dry-run) dry_run=yes ;;
        -h | --help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$step"; exit ;;
        *) arguments+=("$argument") ;;
    esac
done

fail() {
    echo "error: $*" >&2
    exit 1
}

[[ -n ${PROJECT:-} ]] || fail "which project? Say PROJECT=… $0"
# A zone: its control plane is the one that Google gives free of charge. A region (europe-west4) survives a zone's end.
LOCATION=${LOCATION:-europe-west4-a}
REGION=$(sed -E 's/-[a-z]$//' <<<"$LOCATION")
CLUSTER=${CLUSTER:-bin-it-right}
REPOSITORY=${REPOSITORY:-bin-it-right}
# The GPU, and a machine that may carry it: nvidia-tesla-t4 goes with n1-standard-8.
ACCELERATOR=${ACCELERATOR:-nvidia-l4}
MACHINE_TYPE=${MACHINE_TYPE:-g2-standard-8}
# The models' configuration for that GPU: model_repository/*/configs/*.pbtxt.
case $ACCELERATOR in
    nvidia-h100* | nvidia-h200*) TUNING_PROFILE=${TUNING_PROFILE:-h100} ;;
    *) TUNING_PROFILE=${TUNING_PROFILE:-l4} ;;
esac
MAX_GPU_NODES=${MAX_GPU_NODES:-4}
# Triton pods, a GPU each. One is cheapest; two go on when a node is lost. The autoscaler sets them itself.
REPLICAS=${REPLICAS:-1}
TAG=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}

[[ $REPLICAS =~ ^[1-9][0-9]?$ ]] || fail "how many Triton pods? REPLICAS=$REPLICAS is no number of them"

IMAGES=$REGION-docker.pkg.dev/$PROJECT/$REPOSITORY
NAMESPACE=bin-it-right
BUILD_ACCOUNT=bin-it-right-build@$PROJECT.iam.gserviceaccount.com
NODE_ACCOUNT=bin-it-right-nodes@$PROJECT.iam.gserviceaccount.com
# NVIDIA's container of the Dockerfile (TRITON_RELEASE, 26.08) holds CUDA 13.4. The first driver of CUDA 13 carries all of
# 13 by CUDA's minor version compatibility; GPUs must be of compute capability 7.5 (T4) or newer.
MINIMUM_DRIVER=580
KEDA_VERSION=2.21.0

say() { echo "$*" >&2; }

show() {
    printf '+' >&2
    printf ' %q' "$@" >&2
    printf '\n' >&2
}

# Prints a command and runs it; with --dry-run it only prints.
run() {
    show "$@"
    [[ -n $dry_run ]] || "$@"
}

# Prints a command and what it puts out; with --dry-run a word in the place of that.
capture() { # capture WORD COMMAND...
    local word=$1
    shift
    show "$@"
    if [[ -n $dry_run ]]; then echo "$word"; else "$@"; fi
}

# Always this project and this cluster, whatever the person's gcloud and kubectl are set to.
gcloud=(gcloud "--project=$PROJECT" --quiet)
kubectl=(kubectl "--context=gke_${PROJECT}_${LOCATION}_$CLUSTER")

# KEDA's operator, as the project's access rules name it.
keda_operator() { # keda_operator PROJECT_NUMBER
    local pool=iam.googleapis.com/projects/$1/locations/global/workloadIdentityPools/$PROJECT.svc.id.goog
    echo "principal://$pool/subject/ns/keda/sa/keda-operator"
}

# Whether something is there already; with --dry-run nothing is, so that every command gets printed.
exists() {
    show "$@"
    [[ -z $dry_run ]] && "$@" >/dev/null 2>&1
}
