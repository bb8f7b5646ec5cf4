"""What Prometheus, Grafana and the log see of a real service."""

import json
import re
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway
from tests.support.running_triton import ROOT, RunningTriton

pytestmark = pytest.mark.e2e
MONITORING = ROOT / "scripts" / "monitoring"
NAMES = re.compile(r"\b(?:gateway|nv|process)_[a-z0-9_]+")


def names_in(path: Path) -> set[str]:
    """Every metric that the expressions of a dashboard or of alert rules name."""
    document = json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())
    expressions: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            expressions.extend(str(item) for key, item in value.items() if key in ("expr", "query") and item)
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(document)
    return {name for expression in expressions for name in NAMES.findall(expression)}


def exposed(text: str) -> set[str]:
    """Every name on a page of metrics, also of those that have no sample yet.

    Not by prometheus_client's parser: it gives the counters of Triton the suffix _total, which they do not have.
    """
    names = set(re.findall(r"^([a-z0-9_]+)[ {]", text, re.MULTILINE))
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        names |= {name + suffix for suffix in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


@pytest.mark.parametrize("name", ["dashboard.json", "alerts.yaml"])
def test_every_metric_that_is_watched_exists(gateway: RunningGateway, triton: RunningTriton, name: str) -> None:
    httpx.post(f"{gateway.url}/raw/predict", files={"file": encode(bottle(), "PNG")}, timeout=60)
    known = exposed(httpx.get(f"{gateway.url}/metrics").text)
    known |= exposed(httpx.get(f"http://{triton.metrics_url}/metrics").text)
    watched = names_in(MONITORING / name)
    assert len(watched) >= 5
    assert watched - known == set()


def test_log_is_json_with_request_id_and_model_version(gateway: RunningGateway) -> None:
    headers = {"X-Request-ID": "watched-1"}
    photo = encode(bottle(), "PNG")
    httpx.post(f"{gateway.url}/raw/predict", files={"file": photo}, headers=headers, timeout=60)
    (line,) = [json.loads(line) for line in gateway.log_lines("request") if "watched-1" in line]
    assert line["status"] == 200
    assert line["model"] == "raw"
    assert line["model_version"].startswith("1")


def test_trace_context_reaches_triton(gateway: RunningGateway) -> None:
    """Triton takes the header with a request as it is: an answer shows that it does not mind."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    photo = encode(bottle(), "PNG")
    answer = httpx.post(
        f"{gateway.url}/raw/predict", files={"file": photo}, headers={"traceparent": parent}, timeout=60
    )
    assert answer.status_code == 200
