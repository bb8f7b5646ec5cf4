#!/usr/bin/env bash
# Step 4: deploys k8s/overlays/mine with the images of TAG, or updates to them, and waits until it serves. What is in the
# cluster and no more in k8s/overlays/mine is deleted then.
#   cp -r k8s/overlays/example k8s/overlays/mine     and choose there what to deploy
#   PROJECT=my-project TAG=… [CANARY_TAG=…] scripts/gke/4-deploy.sh [--dry-run]
#     CANARY_TAG  the images of the canary, where k8s/overlays/mine has components/canary-route
source "$(dirname "$0")/lib.sh"

mine=k8s/overlays/mine/kustomization.yaml
[[ -f $mine ]] || fail "$mine is missing: cp -r k8s/overlays/example k8s/overlays/mine, and choose there what to deploy"
uses() { grep -qE "^[^#]*components/$1" "$mine"; }

canary=
if uses canary-route; then
    [[ -n ${CANARY_TAG:-} ]] || fail "$mine has components/canary-route: say CANARY_TAG=…, or take it out"
    canary=yes
fi
if uses api-keys; then
    [[ -n $dry_run ]] || "${in_namespace[@]}" get secret gateway-api-keys >/dev/null ||
        fail "the Secret gateway-api-keys is missing in namespace $NAMESPACE; docs/deploy.md says how to make it"
else
    say "$mine has no components/api-keys: everyone can use the service"
fi

write_values() { # write_values FOLDER TAG
    cat >"$1/values.yaml" <<YAML
# Written by scripts/gke/4-deploy.sh; not committed. components/installation-values puts these in, and the cluster gets none.
apiVersion: v1
kind: ConfigMap
metadata:
  name: installation
  annotations:
    config.kubernetes.io/local-config: "true"
data:
  IMAGES: $IMAGES
  TAG: "$2"
  PROJECT: $PROJECT
  CLUSTER: $CLUSTER
  ACCELERATOR: $ACCELERATOR
YAML
}

explain_pending() { # why a Triton pod finds no node
    local events
    events=$("${in_namespace[@]}" get events --field-selector=involvedObject.kind=Pod \
        --output='jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' 2>/dev/null || true)
    case ${events,,} in
        *"out of resources"* | *stockout* | *resource_pool_exhausted*)
            echo "Google has no free $ACCELERATOR there now (stock-out): try GPU_ZONES=…, SPOT=1, another region, or later" ;;
        *"quota exceeded"* | *quota_exceeded*)
            echo "the project's GPU quota is used up: https://console.cloud.google.com/iam-admin/quotas" ;;
        *) echo "kubectl --namespace $NAMESPACE get pods,events says why" ;;
    esac
}

await() { # await INSTANCE NAME
    run "${in_namespace[@]}" rollout status deployment --timeout=30m \
        --selector="app.kubernetes.io/instance=$1,app.kubernetes.io/name=$2" && return
    run "${in_namespace[@]}" logs --tail=20 --selector="app.kubernetes.io/instance=$1,app.kubernetes.io/name=$2" || true
    fail "the new pods of $2 do not get ready, and the old ones serve on: $(explain_pending)"
}

deploy() { # deploy FOLDER INSTANCE TAG; a pod of Triton is ready when each of its models has answered an inference
    [[ -n $dry_run ]] || write_values "k8s/deploy/$1" "$3"
    run "${kubectl[@]}" apply -k "k8s/deploy/$1"
    if grep -qE '^[^#]*/kserve$' "$mine"; then
        run "${in_namespace[@]}" wait inferenceservice --all --for=condition=Ready --timeout=30m || fail "$(explain_pending)"
    else
        await "$2" triton
    fi
    await "$2" gateway
}

[[ -z $canary ]] || deploy canary canary "$CANARY_TAG"
deploy stable stable "$TAG"

# What the pods of before needed until now, and what mine has no more. Only kinds that the cluster knows can be asked for.
kinds=(
    core/v1/ConfigMap core/v1/Service core/v1/ServiceAccount apps/v1/Deployment policy/v1/PodDisruptionBudget
    networking.k8s.io/v1/NetworkPolicy autoscaling/v2/HorizontalPodAutoscaler
    gateway.networking.k8s.io/v1/HTTPRoute networking.gke.io/v1/HealthCheckPolicy networking.gke.io/v1/GCPBackendPolicy
    monitoring.googleapis.com/v1/PodMonitoring monitoring.googleapis.com/v1/Rules
)
! exists "${kubectl[@]}" get crd scaledobjects.keda.sh ||
    kinds+=(keda.sh/v1alpha1/ScaledObject keda.sh/v1alpha1/TriggerAuthentication)
! exists "${kubectl[@]}" get crd inferenceservices.serving.kserve.io ||
    kinds+=(serving.kserve.io/v1beta1/InferenceService serving.kserve.io/v1alpha1/ServingRuntime)
run "${kubectl[@]}" apply -k k8s/deploy/stable --prune \
    --selector=app.kubernetes.io/part-of=bin-it-right,app.kubernetes.io/instance=stable "${kinds[@]/#/--prune-allowlist=}"

if [[ -z $canary ]] && exists "${in_namespace[@]}" get service --selector=app.kubernetes.io/instance=canary \
    --output='jsonpath={.items[0].metadata.name}'; then
    # Google's front ends may send requests for a minute after the route has changed.
    run sleep 90
    run "${in_namespace[@]}" delete --ignore-not-found --selector=app.kubernetes.io/instance=canary \
        deployment,service,configmap,serviceaccount,poddisruptionbudget,networkpolicy,healthcheckpolicy,gcpbackendpolicy
fi
