#!/usr/bin/env bash
# Step 2: builds the gateway's and Triton's image with Cloud Build and pushes them as TAG (the project's version by default).
# A tag that is there already is refused: an update gets a new one.
#   PROJECT=my-project TAG=2026-11-23 [TRITON=gpu] [BUILD_REGION=global] scripts/gke/2-images.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

for name in gateway "triton-$TRITON"; do
    ! exists "${gcloud[@]}" artifacts docker images describe "$IMAGES/$name:$TAG" ||
        fail "$IMAGES/$name:$TAG is there already; say TAG=… for a new one, or go on with 3-cluster.sh"
done
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
run "${gcloud[@]}" builds submit . --config=scripts/gke/cloudbuild.yaml --region="$BUILD_REGION" \
    --service-account="projects/$PROJECT/serviceAccounts/$BUILD_ACCOUNT" \
    --substitutions="_IMAGES=$IMAGES,_TAG=$TAG,_TRITON=triton-$TRITON,_REVISION=$revision"
