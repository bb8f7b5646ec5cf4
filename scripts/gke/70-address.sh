#!/usr/bin/env bash
# Step 8: waits for the load balancer's address and classifies a drawing through it.
#   PROJECT=my-project [API_KEY=…] scripts/gke/70-address.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

run "${kubectl[@]}" --namespace "$NAMESPACE" wait gateway/bin-it-right --for=condition=Programmed --timeout=15m
address=$(capture ADDRESS "${kubectl[@]}" --namespace "$NAMESPACE" get gateway bin-it-right \
    -o 'jsonpath={.status.addresses[0].value}')
# A new load balancer answers with 404 or 502 for some minutes.
run curl --silent --show-error --fail --retry 60 --retry-delay 5 --retry-all-errors "http://$address/health/ready"
# The key goes by standard input: a command line can be read by others, and is printed here.
run curl --silent --show-error --fail -H @- -F file=@scripts/samples/drawn_can.webp "http://$address/raw/predict" \
    <<<"${API_KEY:+X-API-Key: $API_KEY}"
