#!/usr/bin/env bash
# Starts NVIDIA's tritonserver on the model repository of this image; further arguments are passed on.
set -euo pipefail
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
