#!/usr/bin/env bash
# Step 1: the project's APIs, the registry for the images, and two service accounts. Costs begin with the first image.
#   PROJECT=my-project [TRITON=gpu] scripts/gke/1-project.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

run "${gcloud[@]}" services enable \
    artifactregistry.googleapis.com certificatemanager.googleapis.com cloudbuild.googleapis.com compute.googleapis.com \
    container.googleapis.com containerfilesystem.googleapis.com iam.googleapis.com monitoring.googleapis.com

exists "${gcloud[@]}" artifacts repositories describe "$REPOSITORY" --location="$REGION" ||
    run "${gcloud[@]}" artifacts repositories create "$REPOSITORY" --location="$REGION" \
        --repository-format=docker --description="Images of Bin it right"

for account in build nodes; do
    email=bin-it-right-$account@$PROJECT.iam.gserviceaccount.com
    exists "${gcloud[@]}" iam service-accounts describe "$email" ||
        run "${gcloud[@]}" iam service-accounts create "bin-it-right-$account" --display-name="Bin it right: $account"
done
# Builds by an account of their own: the default one may do far more, and in new projects too little.
run "${gcloud[@]}" projects add-iam-policy-binding "$PROJECT" --condition=None \
    --member="serviceAccount:$BUILD_ACCOUNT" --role=roles/cloudbuild.builds.builder
for role in "${NODE_ROLES[@]}"; do
    run "${gcloud[@]}" projects add-iam-policy-binding "$PROJECT" --condition=None \
        --member="serviceAccount:$NODE_ACCOUNT" --role="$role"
done
for binding in "$BUILD_ACCOUNT roles/artifactregistry.writer" "$NODE_ACCOUNT roles/artifactregistry.reader"; do
    read -r account role <<<"$binding"
    run "${gcloud[@]}" artifacts repositories add-iam-policy-binding "$REPOSITORY" --location="$REGION" \
        --member="serviceAccount:$account" --role="$role"
done

if [[ $TRITON == gpu ]]; then
    say "GPU quotas as they are now (name, limit, in use). Needed: GPUS_ALL_REGIONS and the one of the GPU in $REGION, two for"
    say "updates without a pause, or one with GPU_SHARING=1. A new project has 0, and a new limit may take two days:"
    say "https://console.cloud.google.com/iam-admin/quotas"
    quotas=(--flatten='quotas[]' --format='csv[no-heading](quotas.metric,quotas.limit,quotas.usage)')
    {
        run "${gcloud[@]}" compute project-info describe "${quotas[@]}"
        run "${gcloud[@]}" compute regions describe "$REGION" "${quotas[@]}"
    } | grep GPUS || true
fi
