#!/usr/bin/env bash
# Builds the images with Docker, deploys them to a new kind cluster, classifies drawings, restarts both Deployments under
# load, deletes the cluster, and prints what was seen as one JSON line. Never run where this was written: there is no Docker.
#   scripts/images/prove_kind.sh       needs docker with compose, kind 0.24 or newer, kubectl, curl, 10 GB of memory
set -euo pipefail
cd "$(dirname "$0")/../.."

url=http://localhost:8080
fail() {
    echo "error: $*" >&2
    kubectl --namespace bin-it-right get pods,events >&2 || true
    kubectl --namespace bin-it-right logs --tail=20 --prefix --selector=app.kubernetes.io/part-of=bin-it-right >&2 || true
    exit 1
}
for tool in docker kind kubectl curl; do
    command -v "$tool" >/dev/null || { echo "error: $tool is missing" >&2 && exit 1; }
done

load=
folder=$(mktemp -d)
clean_up() {
    [[ -z $load ]] || kill "$load" 2>/dev/null || true
    kind delete cluster --name bin-it-right >&2 || true
    rm -rf "$folder"
}
trap clean_up EXIT

docker compose build gateway triton-cpu >&2
kind create cluster --config k8s/overlays/kind/kind-config.yaml >&2
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
kind load docker-image --name bin-it-right \
    "localhost/bin-it-right/gateway:$version" "localhost/bin-it-right/triton-cpu:$version" >&2
began=$SECONDS
kubectl apply -k k8s/overlays/kind >&2
await() { kubectl --namespace bin-it-right rollout status "deployment/$1" --timeout=10m >&2 || fail "$1 does not get ready"; }
await triton && await gateway
started=$((SECONDS - began))

answers=()
for model in raw pretrained; do
    for photo in scripts/samples/drawn_*; do
        answer=$(curl --silent --show-error --fail --max-time 20 -F "file=@$photo" "$url/$model/predict") ||
            fail "$model does not answer to $photo"
        answers+=("\"$model $(basename "$photo")\": $answer")
    done
done

# A client that asks without pause on connections of its own. Every status but 200 is a loss; 000 is a refused connection.
(while true; do
    curl --silent --output /dev/null --max-time 20 --write-out '%{http_code}\n' \
        -F file=@scripts/samples/drawn_can.webp "$url/raw/predict" || true
done) >"$folder/statuses" &
load=$!
for deployment in triton gateway; do
    kubectl --namespace bin-it-right rollout restart "deployment/$deployment" >&2
    await "$deployment"
done
# The pods of before end last: Triton's 100 s after it is taken out of its Service.
sleep 130
kill "$load" && wait "$load" 2>/dev/null || true
load=
asked=$(wc -l <"$folder/statuses")
lost=$(grep -cv '^200$' "$folder/statuses" || true)
printf '{"what": "kind", "date": "%s", "revision": "%s", "ready_after_s": %d, "answers": {%s}, ' \
    "$(date --utc +%F)" "$(git rev-parse --short HEAD)" "$started" "$(IFS=, && echo "${answers[*]}")"
printf '"restart_under_load": {"requests": %d, "lost": %d}}\n' "$asked" "$lost"
((asked > 0 && lost == 0)) || fail "$lost of $asked requests were lost during the restarts"
