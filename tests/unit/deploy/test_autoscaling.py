"""The autoscaler's queries, evaluated by Prometheus' own promtool on metrics that were recorded.

``recorded/triton_*.txt`` are the ``nv_inference_*`` lines of a real embedded server (Triton 2.51, two busy cores,
random weights, 2026-11-23): at the start, after 15 s with one request in flight and pauses, after 15 s more with 48 in
flight.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import Settings
from tests.unit.deploy.rendering import ROOT, Manifest, named, of_kind, rendered, title
from tests.unit.deploy.tools import require

RECORDED = Path(__file__).with_name("recorded")
#: Between two scrapes, as in the PodMonitoring.
INTERVAL = 15
MINUTES = 4


def autoscaled() -> tuple[Manifest, ...]:
    return rendered("gke", ("autoscaling",))


def query(name: str) -> str:
    (trigger,) = named(autoscaled(), "ScaledObject", name)["spec"]["triggers"]
    expression: str = trigger["metadata"]["query"]
    return expression


def recording(name: str) -> dict[str, int]:
    """Each series with its value, and the namespace that Google's collector adds."""
    lines = (RECORDED / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"(nv_inference_\w+)\{(.*)\} (\d+)", line) for line in lines if not line.startswith("#"))
    return {f'{each[1]}{{namespace="bin-it-right",{each[2]}}}': int(each[3]) for each in found if each}


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


def test_every_metric_of_tritons_query_is_recorded() -> None:
    names = {series.partition("{")[0] for series in recording("triton_light")}
    assert set(re.findall(r"nv_\w+", query("triton"))) <= names


def test_the_query_counts_each_model_that_works_once() -> None:
    """An ensemble's time is that of its parts, and would count twice."""
    configurations = (ROOT / "model_repository").glob("*/config.pbtxt")
    working = {path.parent.name for path in configurations if "ensemble_scheduling" not in path.read_text("utf-8")}
    for names in re.findall(r'model=~"([^"]+)"', query("triton")):
        assert set(names.split("|")) == working


def test_a_light_load_is_no_reason_for_another_triton_and_an_overload_is(tmp_path: Path) -> None:
    start, light, overloaded = (recording(f"triton_{name}") for name in ("start", "light", "overloaded"))
    (trigger,) = named(autoscaled(), "ScaledObject", "triton")["spec"]["triggers"]
    threshold = float(trigger["metadata"]["threshold"])
    assert 0 < evaluate(tmp_path, steady(start, light), query("triton")) < threshold
    assert evaluate(tmp_path, steady(light, overloaded), query("triton")) > threshold


def test_the_query_is_queue_time_over_compute_time_of_the_models_that_do_the_work(tmp_path: Path) -> None:
    before, after = recording("triton_light"), recording("triton_overloaded")

    def grown(metric: str) -> int:
        working = re.compile(rf'{metric}\{{.*model="(preprocess|raw_cnn|resnet50)"')
        return sum(after[series] - value for series, value in before.items() if working.match(series))

    expected = grown("nv_inference_queue_duration_us") / grown("nv_inference_compute_infer_duration_us")
    assert evaluate(tmp_path, steady(before, after), query("triton")) == pytest.approx(expected, rel=1e-6)


def test_nothing_to_do_is_zero_and_not_undefined(tmp_path: Path) -> None:
    idle = recording("triton_start")
    assert evaluate(tmp_path, steady(idle, idle), query("triton")) == 0


def test_the_gateways_query_is_the_load_of_the_busiest_model(tmp_path: Path) -> None:
    in_flight = {("a", "raw"): 5, ("b", "raw"): 7, ("a", "pretrained"): 30, ("b", "pretrained"): 40}
    series = [
        {
            "series": f'gateway_requests_in_flight{{namespace="bin-it-right",pod="{pod}",model="{model}"}}',
            "values": f"{value}x20",
        }
        for (pod, model), value in in_flight.items()
    ]
    assert evaluate(tmp_path, series, query("gateway")) == 70


def test_a_gateway_is_full_enough_at_half_of_what_it_admits() -> None:
    (trigger,) = named(autoscaled(), "ScaledObject", "gateway")["spec"]["triggers"]
    assert trigger["metricType"] == "AverageValue"
    assert int(trigger["metadata"]["threshold"]) == Settings().max_requests_in_flight / 2


def test_the_gateway_has_the_metric(tmp_path: Path) -> None:
    from gateway import state_metrics

    (metric,) = set(re.findall(r"gateway_\w+", query("gateway")))
    assert f'"{metric}"' in Path(state_metrics.__file__).read_text(encoding="utf-8")


def test_deployments_leave_their_replicas_to_the_autoscaler() -> None:
    targets = {each["spec"]["scaleTargetRef"]["name"] for each in of_kind(autoscaled(), "ScaledObject")}
    for deployment in of_kind(autoscaled(), "Deployment"):
        assert deployment["metadata"]["name"] in targets
        assert "replicas" not in deployment["spec"], title(deployment)


def test_collectors_scrape_ports_that_are_there() -> None:
    manifests: Any = rendered("gke")
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
