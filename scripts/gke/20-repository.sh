#!/usr/bin/env bash
# Step 2: the registry for the images, and who may read and write it. Costs begin with the first image.
#   PROJECT=my-project scripts/gke/20-repository.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

exists "${gcloud[@]}" artifacts repositories describe "$REPOSITORY" --location="$REGION" ||
    run "${gcloud[@]}" artifacts repositories create "$REPOSITORY" --location="$REGION" \
        --repository-format=docker --description="Images of Bin it right"
for binding in "$BUILD_ACCOUNT roles/artifactregistry.writer" "$NODE_ACCOUNT roles/artifactregistry.reader"; do
    read -r account role <<<"$binding"
    run "${gcloud[@]}" artifacts repositories add-iam-policy-binding "$REPOSITORY" --location="$REGION" \
        --member="serviceAccount:$account" --role="$role"
done
