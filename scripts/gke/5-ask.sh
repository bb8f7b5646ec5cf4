#!/usr/bin/env bash
# Step 5: waits for the load balancer's address and classifies a rendering through it.
#   PROJECT=my-project [API_KEY=…] [DOMAIN=photos.example.org] scripts/gke/5-ask.sh [--dry-run]
#     DOMAIN  asks by HTTPS (https.sh and components/https)
source "$(dirname "$0")/lib.sh"

run "${in_namespace[@]}" wait gateway --selector=app.kubernetes.io/instance=stable --for=condition=Programmed --timeout=15m
url=https://${DOMAIN:-}
[[ -n ${DOMAIN:-} ]] || url=http://$(capture ADDRESS "${in_namespace[@]}" get gateway \
    --selector=app.kubernetes.io/instance=stable --output='jsonpath={.items[0].status.addresses[0].value}')
# A new load balancer answers with 404 or 502 for some minutes; a new certificate takes up to an hour.
run curl --silent --show-error --fail --retry 60 --retry-delay 5 --retry-all-errors "$url/health/ready"
# The key goes by standard input: a command line can be read by others, and is printed here.
run curl --silent --show-error --fail -H @- -F file=@gateway/web/rendered_plastic.webp "$url/raw/predict" \
    <<<"${API_KEY:+X-API-Key: $API_KEY}"
