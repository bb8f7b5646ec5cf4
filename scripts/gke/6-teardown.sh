#!/usr/bin/env bash
# Step 6: takes away what the steps made: load balancer, cluster, images, address and certificate, service accounts. The APIs
# stay enabled.
#   PROJECT=my-project scripts/gke/6-teardown.sh --yes [--dry-run]
source "$(dirname "$0")/lib.sh"

[[ " ${arguments[*]} " == *" --yes "* || -n $dry_run ]] ||
    fail "this deletes cluster $CLUSTER and all images in $IMAGES of project $PROJECT; say --yes if that is meant"

# Whether something is there that can be taken away; with --dry-run everything is, so that every command gets printed.
remains() { exists "$@" || [[ -n $dry_run ]]; }

if remains "${gcloud[@]}" container clusters describe "$CLUSTER" --location="$LOCATION"; then
    run "${gcloud[@]}" container clusters get-credentials "$CLUSTER" --location="$LOCATION"
    # First what has a load balancer outside the cluster: the cluster's end alone would leave it behind, at your cost.
    run "${kubectl[@]}" delete namespace "$NAMESPACE" --ignore-not-found --timeout=15m
    run "${gcloud[@]}" container clusters delete "$CLUSTER" --location="$LOCATION"
fi
if remains "${gcloud[@]}" artifacts repositories describe "$REPOSITORY" --location="$REGION"; then
    run "${gcloud[@]}" artifacts repositories delete "$REPOSITORY" --location="$REGION"
fi
if remains "${gcloud[@]}" certificate-manager maps describe bin-it-right; then
    run "${gcloud[@]}" certificate-manager maps entries delete bin-it-right --map=bin-it-right
    run "${gcloud[@]}" certificate-manager maps delete bin-it-right
    run "${gcloud[@]}" certificate-manager certificates delete bin-it-right
fi
if remains "${gcloud[@]}" compute addresses describe bin-it-right --global; then
    run "${gcloud[@]}" compute addresses delete bin-it-right --global
fi
bindings=("$BUILD_ACCOUNT roles/cloudbuild.builds.builder" "${NODE_ROLES[@]/#/$NODE_ACCOUNT }")
for binding in "${bindings[@]}"; do
    read -r account role <<<"$binding"
    if remains "${gcloud[@]}" iam service-accounts describe "$account"; then
        run "${gcloud[@]}" projects remove-iam-policy-binding "$PROJECT" --condition=None \
            --member="serviceAccount:$account" --role="$role"
    fi
done
for account in "$BUILD_ACCOUNT" "$NODE_ACCOUNT"; do
    if remains "${gcloud[@]}" iam service-accounts describe "$account"; then
        run "${gcloud[@]}" iam service-accounts delete "$account"
    fi
done
number=$(capture PROJECT_NUMBER "${gcloud[@]}" projects describe "$PROJECT" --format='value(projectNumber)')
run "${gcloud[@]}" projects remove-iam-policy-binding "$PROJECT" --condition=None --role=roles/monitoring.viewer \
    --member="$(keda_operator "$number")" || say "(There was no autoscaler.)"
say "Left over, if anything: https://console.cloud.google.com/net-services/loadbalancing/list?project=$PROJECT"
say "and Cloud Build's sources: https://console.cloud.google.com/storage/browser?project=$PROJECT"
