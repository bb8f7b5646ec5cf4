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
# A zone: Google's credit pays for one such cluster. A region (europe-west4) survives the loss of a zone.
LOCATION=${LOCATION:-europe-west4-a}
REGION=$(sed -E 's/-[a-z]$//' <<<"$LOCATION")
# New projects may build in a few regions only; "global" is open to all.
BUILD_REGION=${BUILD_REGION:-global}
CLUSTER=${CLUSTER:-bin-it-right}
REPOSITORY=${REPOSITORY:-bin-it-right}
# Must be the one of k8s/overlays/mine.
NAMESPACE=${NAMESPACE:-bin-it-right}
# Which Triton: cpu, or gpu, which also makes the GPU node pool.
TRITON=${TRITON:-cpu}
# The machines of the cluster. Those of c3 have AMX, which computes bfloat16.
MACHINE_TYPE=${MACHINE_TYPE:-e2-standard-4}
# The GPU, and a machine that may carry it: nvidia-tesla-t4 goes with n1-standard-8.
ACCELERATOR=${ACCELERATOR:-nvidia-l4}
GPU_MACHINE_TYPE=${GPU_MACHINE_TYPE:-g2-standard-8}
MAX_GPU_NODES=${MAX_GPU_NODES:-4}
TAG=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}

[[ $TRITON == cpu || $TRITON == gpu ]] || fail "TRITON=$TRITON is neither cpu nor gpu"

IMAGES=$REGION-docker.pkg.dev/$PROJECT/$REPOSITORY
BUILD_ACCOUNT=bin-it-right-build@$PROJECT.iam.gserviceaccount.com
NODE_ACCOUNT=bin-it-right-nodes@$PROJECT.iam.gserviceaccount.com
# What the nodes may do: logs, metrics, and the streaming of images, which counts against the project's quota.
NODE_ROLES=(roles/container.defaultNodeServiceAccount roles/serviceusage.serviceUsageConsumer)
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
in_namespace=("${kubectl[@]}" --namespace "$NAMESPACE")

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
