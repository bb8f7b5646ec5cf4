#!/usr/bin/env bash
# Step 3: the cluster, and with TRITON=gpu its GPU node pool, which starts empty. Costs begin: the cluster's fee, one machine.
#   PROJECT=my-project [LOCATION=europe-west4-a] [MACHINE_TYPE=c3-standard-4] scripts/gke/3-cluster.sh [--dry-run]
#   PROJECT=my-project TRITON=gpu [ACCELERATOR=nvidia-l4 GPU_MACHINE_TYPE=g2-standard-8] [SPOT=1] [GPU_SHARING=1]
#       [GPU_ZONES=europe-west4-a,europe-west4-b] scripts/gke/3-cluster.sh [--dry-run]
#     SPOT=1         spare machines, for a fraction of the price; Google takes them back when it needs them, with 30 s notice
#     GPU_SHARING=1  two Triton pods share a GPU (components/gpu-sharing)
#     GPU_ZONES      where nodes may start; all zones of the region that have the GPU, where nothing is said
source "$(dirname "$0")/lib.sh"

# Google's own updates of the cluster come at night, not at any time.
exists "${gcloud[@]}" container clusters describe "$CLUSTER" --location="$LOCATION" ||
    run "${gcloud[@]}" container clusters create "$CLUSTER" --location="$LOCATION" --release-channel=regular \
        --enable-dataplane-v2 --gateway-api=standard --workload-pool="$PROJECT.svc.id.goog" --enable-managed-prometheus \
        --enable-image-streaming --service-account="$NODE_ACCOUNT" \
        --machine-type="$MACHINE_TYPE" --num-nodes=1 --enable-autoscaling --min-nodes=1 --max-nodes=4 \
        --maintenance-window-start=2026-01-01T01:00:00Z --maintenance-window-end=2026-01-01T05:00:00Z \
        --maintenance-window-recurrence=FREQ=DAILY \
        --enable-shielded-nodes --shielded-secure-boot --shielded-integrity-monitoring

if [[ $TRITON == gpu ]]; then
    # The name says what is in it, so that another GPU gets another pool.
    pool=$ACCELERATOR${SPOT:+-spot}${GPU_SHARING:+-shared}
    zones=${GPU_ZONES:-$(capture ZONES "${gcloud[@]}" compute accelerator-types list \
        --filter="name=$ACCELERATOR AND zone~/$REGION-" --format='value(zone.basename())' | paste --serial --delimiters=,)}
    [[ -n $zones ]] || fail "no zone of $REGION has $ACCELERATOR; say another LOCATION=… or ACCELERATOR=…"
    sharing=${GPU_SHARING:+,gpu-sharing-strategy=time-sharing,max-shared-clients-per-gpu=2}
    # No node while no pod asks for a GPU. Secure boot would refuse NVIDIA's driver modules of some image versions.
    exists "${gcloud[@]}" container node-pools describe "$pool" --cluster="$CLUSTER" --location="$LOCATION" ||
        run "${gcloud[@]}" container node-pools create "$pool" --cluster="$CLUSTER" --location="$LOCATION" \
            --node-locations="$zones" --machine-type="$GPU_MACHINE_TYPE" \
            --accelerator="type=$ACCELERATOR,count=1,gpu-driver-version=latest$sharing" ${SPOT:+--spot} \
            --num-nodes=0 --enable-autoscaling --total-min-nodes=0 --total-max-nodes="$MAX_GPU_NODES" \
            --location-policy=ANY --disk-type=pd-balanced --disk-size=100 --enable-image-streaming --enable-gvnic \
            --service-account="$NODE_ACCOUNT" --workload-metadata=GKE_METADATA
fi

run "${gcloud[@]}" container clusters get-credentials "$CLUSTER" --location="$LOCATION"
