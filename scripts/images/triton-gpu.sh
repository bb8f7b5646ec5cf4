#!/usr/bin/env bash
# Starts NVIDIA's tritonserver on the model repository of this image; further arguments are passed on.
set -euo pipefail
# This release holds CUDA 13. Its first driver carries all of 13 by CUDA's minor version compatibility.
minimum_driver=580
driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1) || driver=
if [[ -n $driver ]] && ((${driver%%.*} < minimum_driver)); then
    echo "error: this machine's NVIDIA driver is $driver; the container needs $minimum_driver or newer: update the driver," \
        "on GKE the version of the node pool" >&2
    exit 1
fi
# Protocols that could read files, load code or change the server: behind a key that nobody is told, so nobody gets at them.
restricted="shared-memory,model-repository,trace,logging:restricted=$(</proc/sys/kernel/random/uuid)"
exec /opt/tritonserver/bin/tritonserver \
    --model-repository="${MODEL_REPOSITORY:-/app/model_repository}" \
    --model-config-name="${TUNING_PROFILE:-l4}" \
    --disable-auto-complete-config \
    --exit-timeout-secs=15 \
    --cuda-memory-pool-byte-size=0:1073741824 \
    --grpc-max-connection-age=30000 \
    --http-restricted-api="$restricted" \
    --grpc-restricted-protocol="$restricted" \
    --log-format=ISO8601 \
    "$@"
