"""Writes the alert rules of ``alerts.yaml`` as the ``Rules`` object of Google's managed service for Prometheus.

``bin-it-right dev gke-rules`` writes ``k8s/components/monitoring/rules.yaml``. Google evaluates the rules
of an object on the metrics of its own cluster and namespace alone. A scrape job is named there after its
``PodMonitoring``, which a name prefix changes, so the container's name takes its place. The canary is not counted as a
replica.
"""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
ALERTS = Path(__file__).with_name("alerts.yaml")
RULES = ROOT / "k8s/components/monitoring/rules.yaml"
#: Pods of each kind that k8s/base and the autoscaler keep at least.
MINIMUM_REPLICAS = {"gateway": 2, "triton": 1}
HEAD = "# Made from scripts/monitoring/alerts.yaml by `bin-it-right dev gke-rules`.\n"


def for_google(expression: str) -> str:
    """Return a rule's expression as it must read on Google Kubernetes Engine."""
    replica_count = re.fullmatch(r'\(count\(up\{job="(\w+)"\} == 1\) or vector\(0\)\) < 1', expression)
    if replica_count:
        name = replica_count[1]
        container = {"triton": '=~"triton|kserve-container"'}.get(name, f'="{name}"')
        selector = f'container{container},installation="stable"'
        return f"(count(up{{{selector}}} == 1) or vector(0)) < {MINIMUM_REPLICAS[name]}"
    return re.sub(r'job="(\w+)"', r'container="\1"', expression)


def rules() -> str:
    """Return the text of the ``Rules`` object."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    for group in groups:
        for rule in group["rules"]:
            rule["expr"] = for_google(rule["expr"])
    manifest = {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "Rules",
        "metadata": {"name": "bin-it-right"},
        "spec": {"groups": [{"name": group["name"], "interval": "30s", "rules": group["rules"]} for group in groups]},
    }
    return HEAD + yaml.safe_dump(manifest, sort_keys=False, width=1000)


if __name__ == "__main__":
    RULES.write_text(rules(), encoding="utf-8")
    print(f"wrote {RULES.relative_to(ROOT)}")
