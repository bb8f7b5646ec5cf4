#!/usr/bin/env bash
# Step 1: the project's APIs and the two service accounts. Costs nothing by itself.
#   PROJECT=my-project scripts/gke/10-project.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

cat >&2 <<TEXT
What the later steps cost, until 90-teardown.sh, by the price list of your region (https://cloud.google.com/products/calculator):
  20, 30  Artifact Registry keeps the images, more than ten gigabytes; Cloud Build works on an E2_HIGHCPU_8 machine.
  40      the cluster's fee (one cluster in a zone is free of it) and one to three e2-standard-4 machines.
  55, 60  a $MACHINE_TYPE machine with one $ACCELERATOR for each Triton pod, up to $MAX_GPU_NODES; none while there is no pod.
  60      a global load balancer: its forwarding rule by the hour, and the traffic.
Quotas that must allow it: GPUS_ALL_REGIONS and the one of the GPU in $REGION, at least $((REPLICAS + 1)) (an update starts one pod more).
A new project has 0: ask for more at https://console.cloud.google.com/iam-admin/quotas first, it may take two days.
TEXT

run "${gcloud[@]}" services enable \
    artifactregistry.googleapis.com cloudbuild.googleapis.com compute.googleapis.com container.googleapis.com \
    containerfilesystem.googleapis.com iam.googleapis.com monitoring.googleapis.com

for account in build nodes; do
    email=bin-it-right-$account@$PROJECT.iam.gserviceaccount.com
    exists "${gcloud[@]}" iam service-accounts describe "$email" ||
        run "${gcloud[@]}" iam service-accounts create "bin-it-right-$account" --display-name="Bin it right: $account"
done
# Builds by an account of their own: the default one may do far more, and in new projects too little.
run "${gcloud[@]}" projects add-iam-policy-binding "$PROJECT" --condition=None \
    --member="serviceAccount:$BUILD_ACCOUNT" --role=roles/cloudbuild.builds.builder
run "${gcloud[@]}" projects add-iam-policy-binding "$PROJECT" --condition=None \
    --member="serviceAccount:$NODE_ACCOUNT" --role=roles/container.defaultNodeServiceAccount

say "The GPU quotas as they are now (name, limit, in use):"
quotas=(--flatten='quotas[]' --format='csv[no-heading](quotas.metric,quotas.limit,quotas.usage)')
{
    run "${gcloud[@]}" compute project-info describe "${quotas[@]}"
    run "${gcloud[@]}" compute regions describe "$REGION" "${quotas[@]}"
} | grep GPUS || true
