"""The alert rules: Prometheus' own promtool fires them, and Google's copy says the same."""

import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.monitoring import gke_rules
from tests.unit.deploy.rendering import ROOT, named, rendered
from tests.unit.deploy.tools import require

#: ``up`` of each pod, and which of the two alerts about missing pods must fire: at least two gateways and one Triton.
FLEETS = {
    "all": ({"gateway": [1, 1], "triton": [1]}, set()),
    "one gateway without an answer": ({"gateway": [1, 0], "triton": [1]}, {"GatewayGone"}),
    "one gateway gone": ({"gateway": [1], "triton": [1]}, {"GatewayGone"}),
    "all gone, and no series left": ({}, {"GatewayGone", "TritonReplicaGone"}),
    "the canary is no replica": ({"gateway": [1, 1], "triton": [0]}, {"TritonReplicaGone"}),
}


def test_googles_rules_are_those_of_the_file() -> None:
    assert gke_rules.RULES.read_text(encoding="utf-8") == gke_rules.rules(), "bin-it-right dev gke-rules"
    alerts = yaml.safe_load(gke_rules.ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
    copied = named(rendered("gke-cpu"), "Rules", "bin-it-right")["spec"]["groups"][0]["rules"]
    assert [each["alert"] for each in copied] == [each["alert"] for each in alerts]
    assert 'job="' not in str(copied)


def test_every_alert_has_a_line_in_operations() -> None:
    operations = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for rule in yaml.safe_load(gke_rules.ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]:
        assert rule["alert"] in operations, rule["alert"]


@pytest.mark.parametrize("fleet", FLEETS)
def test_missing_pods_are_noticed(tmp_path: Path, fleet: str) -> None:
    ups, firing = FLEETS[fleet]
    groups = yaml.safe_load(gke_rules.rules())["spec"]["groups"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    series = [
        {"series": f'up{{container="{name}",installation="stable",pod="{number}"}}', "values": f"{up}x20"}
        for name, pods in ups.items()
        for number, up in enumerate(pods)
    ]
    series.append({"series": 'up{container="triton",installation="canary",pod="c"}', "values": "1x20"})
    test = {
        "rule_files": ["rules.yaml"],
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
                        "eval_time": "10m",
                        "exp_samples": [{"labels": "{}", "value": int(alert in firing)}],
                    }
                    for alert in ("GatewayGone", "TritonReplicaGone")
                ],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test), encoding="utf-8")
    result = subprocess.run([require("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
