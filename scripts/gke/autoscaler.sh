#!/usr/bin/env bash
# Option: installs KEDA for components/autoscaling, and lets its operator read the project's metrics. After step 3.
#   PROJECT=my-project scripts/gke/autoscaler.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

run "${kubectl[@]}" apply --server-side \
    -f "https://github.com/kedacore/keda/releases/download/v$KEDA_VERSION/keda-$KEDA_VERSION.yaml"
number=$(capture PROJECT_NUMBER "${gcloud[@]}" projects describe "$PROJECT" --format='value(projectNumber)')
run "${gcloud[@]}" projects add-iam-policy-binding "$PROJECT" --condition=None --role=roles/monitoring.viewer \
    --member="$(keda_operator "$number")"
run "${kubectl[@]}" --namespace keda rollout status deployment/keda-operator --timeout=5m
