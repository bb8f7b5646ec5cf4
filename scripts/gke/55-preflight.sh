#!/usr/bin/env bash
# Step 6: does the driver of the GPU nodes carry NVIDIA's container? Starts one pod on one GPU node, which costs as long as
# it is up (about 15 minutes, most of it the node's start and the image's pull, which the deployment then has behind it).
#   PROJECT=my-project TAG=… scripts/gke/55-preflight.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

manifest=$(sed -e "s|IMAGE|$IMAGES/triton-gpu:$TAG|" -e "s|ACCELERATOR|$ACCELERATOR|" scripts/gke/driver-check.yaml)
run "${kubectl[@]}" delete pod driver-check --ignore-not-found
run "${kubectl[@]}" apply -f - <<<"$manifest"
run "${kubectl[@]}" wait pod/driver-check --for='jsonpath={.status.phase}=Succeeded' --timeout=20m ||
    fail "no answer from a GPU node; kubectl describe pod driver-check says why (a quota of 0? no $ACCELERATOR in $LOCATION?)"
IFS=, read -r driver gpu <<<"$(capture "$MINIMUM_DRIVER.0, GPU" "${kubectl[@]}" logs driver-check)"
run "${kubectl[@]}" delete pod driver-check
((${driver%%.*} >= MINIMUM_DRIVER)) ||
    fail "the nodes have driver $driver, the container needs $MINIMUM_DRIVER or newer: upgrade the node pool's version"
[[ -n $dry_run ]] || say "Driver $driver on$gpu carries the container."
