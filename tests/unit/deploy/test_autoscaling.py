"""The autoscaler's queries, evaluated by Prometheus' own promtool on metrics that were recorded.

``recorded/triton_*.txt`` are the ``nv_inference_*`` lines of a real embedded server (Triton 2.51, two busy cores,
random weights, 2026-11-23): at the start, after 15 s with one request at a time and pauses, after 15 s more with 48
concurrent ones.
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from gateway.settings import Settings
from scripts.monitoring import gke_rules
from tests.unit.deploy.rendering import ROOT, VALUES, Manifest, named, of_kind, rendered, title
from tests.unit.deploy.tools import require

RECORDED = Path(__file__).with_name("recorded")
#: Between two scrapes, as in the PodMonitoring.
INTERVAL = 15
MINUTES = 4


def autoscaled() -> tuple[Manifest, ...]:
    return rendered("gke-cpu", ("autoscaling",), "stable")


def scaler() -> dict[str, str]:
    """What KEDA asks, where, and from which value on another pod is ordered."""
    (trigger,) = named(autoscaled(), "ScaledObject", "triton")["spec"]["triggers"]
    assert trigger["metricType"] == "Value"
    metadata: dict[str, str] = trigger["metadata"]
    return metadata


def query() -> str:
    return scaler()["query"]


def recording(name: str) -> dict[str, int]:
    """Each series with its value, and the labels that Google's collector adds."""
    added = f'cluster="{VALUES["CLUSTER"]}",namespace="bin-it-right",installation="stable"'
    lines = (RECORDED / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"(nv_inference_\w+)\{(.*)\} (\d+)", line) for line in lines if not line.startswith("#"))
    return {f"{each[1]}{{{added},{each[2]}}}": int(each[3]) for each in found if each}


def steady(before: dict[str, int], after: dict[str, int]) -> list[dict[str, str]]:
    """Series that grow from one recording to the other, evenly, over the whole time."""
    steps = MINUTES * 60 // INTERVAL
    return [
        {"series": series, "values": f"{value}+{(after[series] - value) / steps}x{steps}"}
        for series, value in before.items()
    ]


def evaluate(tmp_path: Path, series: list[dict[str, str]], expression: str) -> float:
    """The one value of an expression at the end, told by promtool's complaint about a wrong expectation."""
    test = {
        "evaluation_interval": f"{INTERVAL}s",
        "tests": [
            {
                "interval": f"{INTERVAL}s",
                "input_series": series,
                "promql_expr_test": [
                    {"expr": expression, "eval_time": f"{MINUTES}m", "exp_samples": [{"labels": "{}", "value": -1}]}
                ],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test), encoding="utf-8")
    result = subprocess.run([require("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    got = re.findall(r"got:\s*\[?\"?\{\} ([-+.\deE]+|NaN)", result.stdout + result.stderr)
    assert len(got) == 1, result.stdout + result.stderr
    return float(got[0])


def grown(metric: str, model: str) -> float:
    """By how much the series of the models whose names match grew, from the light load to the overload."""
    before, after = recording("triton_light"), recording("triton_overloaded")
    pattern = re.compile(rf'{metric}\{{.*model="({model})"')
    return sum(after[series] - value for series, value in before.items() if pattern.search(series))


def test_every_metric_of_the_query_is_recorded() -> None:
    names = {series.partition("{")[0] for series in recording("triton_light")}
    assert set(re.findall(r"nv_\w+", query())) <= names


def test_each_request_is_counted_once_by_the_model_that_each_one_passes() -> None:
    for path in (ROOT / "model_repository").glob("*/config.pbtxt"):
        text = path.read_text(encoding="utf-8")
        if "ensemble_scheduling" in text:
            assert text.count('model_name: "preprocess"') == 1, path
    ensembles = grown("nv_inference_request_success", "raw|pretrained")
    assert grown("nv_inference_request_success", "preprocess") == pytest.approx(ensembles, rel=0.05)


def test_the_query_is_the_wait_of_a_request_in_milliseconds(tmp_path: Path) -> None:
    wait = grown("nv_inference_queue_duration_us", ".*") / grown("nv_inference_request_success", "preprocess") / 1000
    series = steady(recording("triton_light"), recording("triton_overloaded"))
    assert evaluate(tmp_path, series, query()) == pytest.approx(wait, rel=1e-6)


def test_a_light_load_is_no_reason_for_another_triton_and_an_overload_is(tmp_path: Path) -> None:
    start, light, overloaded = (recording(f"triton_{name}") for name in ("start", "light", "overloaded"))
    threshold = float(scaler()["threshold"])
    assert 0 < evaluate(tmp_path, steady(start, light), query()) < threshold
    assert evaluate(tmp_path, steady(light, overloaded), query()) > threshold


def test_the_threshold_is_far_above_what_a_batcher_waits_and_far_under_the_deadline() -> None:
    milliseconds = float(scaler()["threshold"])
    for path in (ROOT / "model_repository").glob("*/**/*.pbtxt"):
        for delay in re.findall(r"max_queue_delay_microseconds: (\d+)", path.read_text(encoding="utf-8")):
            assert int(delay) / 1000 < milliseconds / 10, path
    assert milliseconds / 1000 < Settings().deadline_seconds / 10


def test_nothing_to_do_is_zero_and_not_undefined(tmp_path: Path) -> None:
    idle = recording("triton_start")
    assert evaluate(tmp_path, steady(idle, idle), query()) == 0


@pytest.mark.parametrize("other", ['installation="canary"', 'cluster="another"', 'namespace="another"'])
def test_what_waits_elsewhere_does_not_count(tmp_path: Path, other: str) -> None:
    label = other.partition("=")[0]
    series = [
        {**each, "series": re.sub(rf'{label}="[^"]*"', other, each["series"])}
        for each in steady(recording("triton_light"), recording("triton_overloaded"))
    ]
    idle = steady(recording("triton_start"), recording("triton_start"))
    assert evaluate(tmp_path, series + idle, query()) == 0


def test_names_in_the_query_follow_prefix_namespace_and_values() -> None:
    manifests = rendered("gke-cpu", ("autoscaling",), "stable", namespace="other", prefix="my-")
    (trigger,) = named(manifests, "ScaledObject", "my-triton")["spec"]["triggers"]
    selectors = re.findall(r'cluster="([^"]*)",namespace="([^"]*)"', trigger["metadata"]["query"])
    assert selectors == [(VALUES["CLUSTER"], "other")] * 2
    assert f"/projects/{VALUES['PROJECT']}/" in trigger["metadata"]["serverAddress"]


def test_one_pod_at_a_time_and_the_next_when_its_node_may_be_there() -> None:
    advanced = named(autoscaled(), "ScaledObject", "triton")["spec"]["advanced"]
    behaviour = advanced["horizontalPodAutoscalerConfig"]["behavior"]
    assert behaviour["scaleUp"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 600}]


def test_the_gateway_scales_on_its_own_work() -> None:
    scaler = named(autoscaled(), "HorizontalPodAutoscaler", "gateway")["spec"]
    assert [each["resource"]["name"] for each in scaler["metrics"]] == ["cpu"]
    assert scaler["minReplicas"] == gke_rules.MINIMUM_REPLICAS["gateway"]


def test_deployments_leave_their_replicas_to_the_autoscaler() -> None:
    scalers = of_kind(autoscaled(), "ScaledObject", "HorizontalPodAutoscaler")
    targets = {each["spec"]["scaleTargetRef"]["name"] for each in scalers}
    for deployment in of_kind(autoscaled(), "Deployment"):
        assert deployment["metadata"]["name"] in targets
        assert "replicas" not in deployment["spec"], title(deployment)


def test_collectors_scrape_ports_that_are_there() -> None:
    manifests = rendered("gke-cpu")
    for monitoring in of_kind(manifests, "PodMonitoring"):
        labels = monitoring["spec"]["selector"]["matchLabels"]
        (endpoint,) = monitoring["spec"]["endpoints"]
        assert endpoint["interval"] == f"{INTERVAL}s"
        (pod,) = (
            each["spec"]["template"]
            for each in of_kind(manifests, "Deployment")
            if labels.items() <= each["spec"]["template"]["metadata"]["labels"].items()
        )
        assert endpoint["port"] in {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
