#!/usr/bin/env bash
# Step 4: the cluster and its GPU node pool, which starts empty. Costs begin here: the cluster's fee and one machine.
#   PROJECT=my-project [LOCATION=europe-west4-a] [ACCELERATOR=nvidia-l4 MACHINE_TYPE=g2-standard-8] scripts/gke/40-cluster.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

exists "${gcloud[@]}" container clusters describe "$CLUSTER" --location="$LOCATION" ||
    run "${gcloud[@]}" container clusters create "$CLUSTER" --location="$LOCATION" --release-channel=regular \
        --enable-dataplane-v2 --gateway-api=standard --workload-pool="$PROJECT.svc.id.goog" --enable-managed-prometheus \
        --enable-image-streaming --service-account="$NODE_ACCOUNT" \
        --machine-type=e2-standard-4 --num-nodes=1 --enable-autoscaling --min-nodes=1 --max-nodes=3 \
        --enable-shielded-nodes --shielded-secure-boot --shielded-integrity-monitoring

# No node while no pod asks for a GPU. Secure boot would refuse NVIDIA's driver modules of some image versions.
exists "${gcloud[@]}" container node-pools describe gpu --cluster="$CLUSTER" --location="$LOCATION" ||
    run "${gcloud[@]}" container node-pools create gpu --cluster="$CLUSTER" --location="$LOCATION" \
        --machine-type="$MACHINE_TYPE" --accelerator="type=$ACCELERATOR,count=1,gpu-driver-version=latest" \
        --num-nodes=0 --enable-autoscaling --total-min-nodes=0 --total-max-nodes="$MAX_GPU_NODES" \
        --location-policy=ANY --disk-type=pd-balanced --disk-size=100 --enable-image-streaming --enable-gvnic \
        --service-account="$NODE_ACCOUNT" --workload-metadata=GKE_METADATA

run "${gcloud[@]}" container clusters get-credentials "$CLUSTER" --location="$LOCATION"
