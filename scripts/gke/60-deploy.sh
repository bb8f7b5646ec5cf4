#!/usr/bin/env bash
# Step 7: deploys TAG, or updates to it, and waits until it serves. Costs: a GPU node for each Triton pod, the load balancer.
#   PROJECT=my-project TAG=… [REPLICAS=1] scripts/gke/60-deploy.sh (--api-keys | --open) [--autoscaling] [--bucket] [--loadtest] [--dry-run]
#   PROJECT=my-project TAG=… CANARY_TAG=… scripts/gke/60-deploy.sh --api-keys (--canary | --shadow)
#     --api-keys     the gateway asks for a key of the Secret gateway-api-keys (docs/deploy.md makes it)
#     --open         it asks for none: everyone can use it, at your cost
#     --autoscaling  KEDA sets the replicas (50-autoscaler.sh first)
#     --canary       5 % of the requests go to a second installation with CANARY_TAG
#     --shadow       that one gets a copy of every request, and its answers are thrown away
#     --bucket       Triton loads its models from BUCKET=gs://… (docs/deploy.md) instead of from the image
#     --loadtest     runs perf_analyzer once, as a Job
# Give the same options each time: the overlay is written anew. Scalers of an earlier --autoscaling stay until
# `kubectl --namespace bin-it-right delete scaledobject --all`.
# It writes k8s/overlays/generated, and for a canary generated-canary; neither is committed.
source "$(dirname "$0")/lib.sh"

components=()
access='' canary=''
for argument in "${arguments[@]}"; do
    case $argument in
        --api-keys) access=yes components+=(api-keys) ;;
        --open) access=yes ;;
        --bucket) components+=(model-bucket) ;;
        --autoscaling | --loadtest) components+=("${argument#--}") ;;
        --canary | --shadow) canary=${argument#--} components+=("$canary") ;;
        *) fail "unknown option $argument; $0 --help lists them" ;;
    esac
done
[[ -n $access ]] || fail "who may use it? Say --api-keys, or --open"
[[ " ${components[*]} " != *" model-bucket "* || ${BUCKET:-} == gs://* ]] || fail "which bucket? Say BUCKET=gs://…"
[[ -z $canary || -n ${CANARY_TAG:-} ]] || fail "which images are the canary's? Say CANARY_TAG=…"
if [[ " ${components[*]} " == *" api-keys "* && -z $dry_run ]]; then
    "${kubectl[@]}" --namespace "$NAMESPACE" get secret gateway-api-keys >/dev/null ||
        fail "the Secret gateway-api-keys is missing in namespace $NAMESPACE; docs/deploy.md says how to make it"
fi

write_overlay() { # write_overlay NAME BASE TAG COMPONENT...
    local folder=k8s/overlays/$1 base=$2 tag=$3
    shift 3
    say "writing $folder/kustomization.yaml: images of $IMAGES, tag $tag"
    [[ -z $dry_run ]] || return 0
    mkdir -p "$folder"
    {
        cat <<YAML
# Written by scripts/gke/60-deploy.sh; not committed.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $NAMESPACE
resources:
  - ../$base
images:
  - {name: run-scripts-gke-60-deploy.invalid/gateway, newName: $IMAGES/gateway, newTag: "$tag"}
  - {name: run-scripts-gke-60-deploy.invalid/triton-gpu, newName: $IMAGES/triton-gpu, newTag: "$tag"}
YAML
        # The autoscaler sets the number itself, and a canary has one.
        [[ $base == gke-canary || " $* " == *" autoscaling "* ]] ||
            printf 'replicas:\n  - {name: triton, count: %d}\n' "$REPLICAS"
        echo components:
        (($# == 0)) || printf '  - ../../components/%s\n' "$@"
        cat <<YAML
patches:
  - target: {kind: Deployment, name: triton.*}
    patch: |
      - {op: replace, path: /spec/template/spec/nodeSelector/cloud.google.com~1gke-accelerator, value: $ACCELERATOR}
  - target: {kind: ConfigMap, name: triton.*}
    patch: |
      - {op: add, path: /data/TUNING_PROFILE, value: $TUNING_PROFILE}
YAML
        [[ " $* " != *" model-bucket "* ]] || cat <<YAML
  - target: {kind: ConfigMap, name: triton}
    patch: |
      - {op: replace, path: /data/MODEL_REPOSITORY, value: $BUCKET/model_repository}
YAML
        [[ " $* " != *" autoscaling "* ]] || cat <<YAML
  - target: {kind: ScaledObject}
    patch: |
      - op: replace
        path: /spec/triggers/0/metadata/serverAddress
        value: https://monitoring.googleapis.com/v1/projects/$PROJECT/location/global/prometheus
YAML
    } >"$folder/kustomization.yaml"
}

await() { # await DEPLOYMENT...
    for deployment in "$@"; do
        run "${kubectl[@]}" --namespace "$NAMESPACE" rollout status "deployment/$deployment" --timeout=30m ||
            fail "the new pods do not get ready, and the old ones serve on; kubectl -n $NAMESPACE get pods,events says why"
    done
}

if [[ -n $canary ]]; then
    # What asks for keys must ask for them on both ways.
    keys=()
    [[ " ${components[*]} " != *" api-keys "* ]] || keys=(api-keys)
    write_overlay generated-canary gke-canary "$CANARY_TAG" "${keys[@]}"
    run "${kubectl[@]}" apply -k k8s/overlays/generated-canary
    await triton-canary gateway-canary
fi
write_overlay generated gke "$TAG" "${components[@]}"
[[ " ${components[*]} " != *" loadtest "* ]] ||
    run "${kubectl[@]}" --namespace "$NAMESPACE" delete job loadtest --ignore-not-found
run "${kubectl[@]}" apply -k k8s/overlays/generated
await triton gateway
# A canary of before gets no requests any more.
[[ -n $canary ]] || run "${kubectl[@]}" delete --ignore-not-found --namespace "$NAMESPACE" \
    deployment,service,configmap,serviceaccount,poddisruptionbudget,networkpolicy,healthcheckpolicy,gcpbackendpolicy \
    --selector=app.kubernetes.io/instance=canary
