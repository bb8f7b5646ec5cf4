#!/usr/bin/env bash
# Option: a lasting address and a certificate for DOMAIN, for components/https. Any time after step 1.
#   PROJECT=my-project DOMAIN=photos.example.org scripts/gke/https.sh [--dry-run]
source "$(dirname "$0")/lib.sh"

[[ ${DOMAIN:-} == *.* ]] || fail "which name? Say DOMAIN=photos.example.org"

exists "${gcloud[@]}" compute addresses describe bin-it-right --global ||
    run "${gcloud[@]}" compute addresses create bin-it-right --global
exists "${gcloud[@]}" certificate-manager certificates describe bin-it-right ||
    run "${gcloud[@]}" certificate-manager certificates create bin-it-right --domains="$DOMAIN"
exists "${gcloud[@]}" certificate-manager maps describe bin-it-right ||
    run "${gcloud[@]}" certificate-manager maps create bin-it-right
exists "${gcloud[@]}" certificate-manager maps entries describe bin-it-right --map=bin-it-right ||
    run "${gcloud[@]}" certificate-manager maps entries create bin-it-right --map=bin-it-right \
        --certificates=bin-it-right --hostname="$DOMAIN"
address=$(capture ADDRESS "${gcloud[@]}" compute addresses describe bin-it-right --format='value(address)' --global)
say "Now: an A record of $DOMAIN at your DNS provider: $address"
say "then components/https in k8s/overlays/mine, and 4-deploy.sh. Google issues the certificate once both are there."
