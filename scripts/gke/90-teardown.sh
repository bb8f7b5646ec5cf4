#!/usr/bin/env bash
# Takes away what the steps made: load balancer, cluster, images, service accounts. The APIs stay enabled.
#   PROJECT=my-project scripts/gke/90-teardown.sh --yes [--dry-run]
source "$(dirname "$0")/lib.sh"

[[ " ${arguments[*]} " == *" --yes "* || -n $dry_run ]] ||
    fail "this deletes cluster $CLUSTER and all images in $IMAGES of project $PROJECT; say --yes if that is meant"

if exists "${gcloud[@]}" container clusters describe "$CLUSTER" --location="$LOCATION" || [[ -n $dry_run ]]; then
    run "${gcloud[@]}" container clusters get-credentials "$CLUSTER" --location="$LOCATION"
    # First what has a load balancer outside the cluster: the cluster's end alone would leave it behind, at your cost.
    run "${kubectl[@]}" delete namespace "$NAMESPACE" --ignore-not-found --timeout=15m
    run "${gcloud[@]}" container clusters delete "$CLUSTER" --location="$LOCATION"
fi
if exists "${gcloud[@]}" artifacts repositories describe "$REPOSITORY" --location="$REGION" || [[ -n $dry_run ]]; then
    run "${gcloud[@]}" artifacts repositories delete "$REPOSITORY" --location="$REGION"
fi
for binding in "$BUILD_ACCOUNT roles/cloudbuild.builds.builder" "$NODE_ACCOUNT roles/container.defaultNodeServiceAccount"; do
    read -r account role <<<"$binding"
    if exists "${gcloud[@]}" iam service-accounts describe "$account" || [[ -n $dry_run ]]; then
        run "${gcloud[@]}" projects remove-iam-policy-binding "$PROJECT" --condition=None \
            --member="serviceAccount:$account" --role="$role"
        run "${gcloud[@]}" iam service-accounts delete "$account"
    fi
done
number=$(capture PROJECT_NUMBER "${gcloud[@]}" projects describe "$PROJECT" --format='value(projectNumber)')
run "${gcloud[@]}" projects remove-iam-policy-binding "$PROJECT" --condition=None --role=roles/monitoring.viewer \
    --member="$(keda_operator "$number")" || say "(There was no autoscaler.)"
say "Left over, if anything: https://console.cloud.google.com/net-services/loadbalancing/list?project=$PROJECT"
say "and buckets, of your models or of Cloud Build's sources: https://console.cloud.google.com/storage/browser?project=$PROJECT"
