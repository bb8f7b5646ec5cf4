#!/usr/bin/env bash
# Option: takes all Triton pods away, so that GPU nodes end and cost nothing (within about ten minutes), and brings them back.
# Meanwhile clients get 503. The cluster, its first machines, the load balancer and the images go on costing.
#   PROJECT=my-project scripts/gke/pause.sh [--resume] [--dry-run]
source "$(dirname "$0")/lib.sh"

resume=
for argument in "${arguments[@]}"; do
    [[ $argument == --resume ]] || fail "unknown option $argument; $0 --help lists them"
    resume=yes
done

annotation=autoscaling.keda.sh/paused-replicas=0 replicas=0
[[ -z $resume ]] || annotation=autoscaling.keda.sh/paused-replicas- replicas=1
# An autoscaler would bring the pods back, so it is told.
if exists "${in_namespace[@]}" get scaledobject triton; then
    run "${in_namespace[@]}" annotate scaledobject triton --overwrite "$annotation"
fi
run "${in_namespace[@]}" scale deployment --selector=app.kubernetes.io/name=triton --replicas=$replicas
[[ -z $resume ]] || say "One pod comes back; 4-deploy.sh brings as many as k8s/overlays/mine has."
