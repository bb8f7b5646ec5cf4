#!/usr/bin/env bash
# Step 3: builds the images with Cloud Build and pushes them as TAG (the project's version by default).
# A tag that is there already is refused: an update gets a new one.
#   PROJECT=my-project TAG=2026-11-23 scripts/gke/30-images.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

if exists "${gcloud[@]}" artifacts docker images describe "$IMAGES/gateway:$TAG"; then
    fail "$IMAGES/gateway:$TAG is there already; say TAG=… for a new one, or go on with 40-cluster.sh"
fi
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
run "${gcloud[@]}" builds submit . --config=scripts/gke/cloudbuild.yaml --region="$REGION" \
    --service-account="projects/$PROJECT/serviceAccounts/$BUILD_ACCOUNT" \
    --substitutions="_IMAGES=$IMAGES,_TAG=$TAG,_REVISION=$revision"
