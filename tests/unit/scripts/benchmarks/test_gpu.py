"""The GPU benchmark: its load, its watch and its judgement; the whole of it runs where somebody runs it."""

import asyncio
import io
import os
import threading
from collections import Counter
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from fastapi import FastAPI, File, HTTPException
from PIL import Image
from tritonclient.grpc import service_pb2

from scripts.benchmarks.breakdown.latency import Statistics
from scripts.benchmarks.gpu.__main__ import parse, run
from scripts.benchmarks.gpu.steps import StepWatch
from scripts.benchmarks.gpu.targets import judge
from scripts.benchmarks.gpu.watch import GpuWatch, gpu_name
from scripts.benchmarks.load.drawn import LARGE_SIZE, drawn_photos
from scripts.benchmarks.load.processes import Tally, Target, measure, summarise
from tests.support.asgi_server import served

PHOTOS = [b"one", b"three", b"seven"]


def test_drawn_photos_are_of_trashnets_size_and_differ() -> None:
    photos = drawn_photos(4)
    assert len(set(photos)) == 4
    assert drawn_photos(4) == photos
    for photo in photos:
        with Image.open(io.BytesIO(photo)) as image:
            assert (image.format, image.size) == ("JPEG", (512, 384))
        assert 20_000 < len(photo) < 80_000


def test_large_photos_are_as_a_phone_makes_them() -> None:
    (photo,) = drawn_photos(1, LARGE_SIZE)
    with Image.open(io.BytesIO(photo)) as image:
        assert (image.format, image.size) == ("JPEG", (4000, 3000))
    assert 1_000_000 < len(photo) < 8_000_000


def test_rates_and_percentiles_count_good_answers_only() -> None:
    tallies = [Tally([0.001 * n for n in range(1, 100)], Counter({"UNAVAILABLE": 3})), Tally([2.0], Counter())]
    assert summarise(tallies, 8, 4.0) == {
        "concurrency": 8,
        "images_per_second": 25.0,
        "p50_ms": 50.0,
        "p99_ms": 99.0,
        "failures": {"UNAVAILABLE": 3},
    }
    assert summarise([Tally()], 1, 1.0)["p99_ms"] is None


def test_steps_are_what_came_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    def statistics(requests: int, executions: int, *milliseconds: int) -> Statistics:
        phases = ("queue", "compute_input", "compute_infer", "compute_output")
        return Statistics(
            requests, executions, {name: ms * 10**6 for name, ms in zip(phases, milliseconds, strict=True)}
        )

    earlier = {"preprocess": statistics(10, 10, 5, 5, 5, 5), "raw_cnn": statistics(3, 3, 1, 1, 1, 1)}
    later = {"preprocess": statistics(110, 30, 205, 15, 405, 105), "raw_cnn": statistics(3, 3, 1, 1, 1, 1)}
    readings = iter([(statistics(20, 20, 0, 0, 0, 0), earlier), (statistics(120, 120, 0, 0, 0, 0), later)])

    class Triton:
        def __init__(self, url: str, ensemble: str) -> None:
            assert (url, ensemble) == ("here", "raw")

        def read(self) -> tuple[Statistics, dict[str, Statistics]]:
            return next(readings)

    spent = iter([{"gateway": 1.0, "supervision": 1.0}, {"gateway": 1.5, "supervision": 9.0, "tritonserver": 1.0}])
    monkeypatch.setattr("scripts.benchmarks.gpu.steps.Triton", Triton)
    monkeypatch.setattr("scripts.benchmarks.gpu.steps.cpu_seconds", lambda _pid: next(spent))
    with StepWatch("here", "raw") as watch:
        pass
    times = {"queue_ms": 2.0, "compute_input_ms": 0.1, "compute_infer_ms": 4.0, "compute_output_ms": 1.0}
    assert watch.result() == {
        "steps": {"preprocess": {"batch": 5.0, **times}, "raw_cnn": {}},
        "cpu_ms": {"gateway": 5.0, "tritonserver": 10.0},
    }


def test_a_triton_that_does_not_tell_costs_the_steps_and_no_more() -> None:
    with StepWatch("127.0.0.1:1", "raw") as watch:
        pass
    assert watch.result() == {}


def service() -> FastAPI:
    app = FastAPI()

    @app.post("/raw/predict")
    async def predict(file: bytes = File()) -> dict[str, str]:
        await asyncio.sleep(0.02)
        if file == b"seven":
            raise HTTPException(429)
        return {"pred_class": "glass"}

    return app


def test_every_service_is_asked_also_by_a_single_process() -> None:
    asked: Counter[str] = Counter()

    def counting(name: str) -> FastAPI:
        app = FastAPI()

        @app.post("/raw/predict")
        async def predict() -> dict[str, str]:
            asked[name] += 1
            return {}

        return app

    with served(counting("one")) as one, served(counting("two")) as two:
        row = measure(Target((one, two), "raw"), PHOTOS, concurrency=2, seconds=0.5, processes=1)
    assert "failures" not in row
    assert min(asked["one"], asked["two"]) > 0.4 * asked.total() > 0


def test_http_load_comes_from_several_processes_and_tells_failures_apart() -> None:
    with served(service()) as url:
        row = measure(Target((url,), "raw"), PHOTOS, concurrency=4, seconds=1, processes=2)
    assert row["concurrency"] == 4
    assert 20 < row["images_per_second"] < 200  # concurrency 4, at least 20 ms each
    assert row["p50_ms"] >= 20
    assert set(row["failures"]) == {"429"}


class Triton(grpc.GenericRpcHandler):
    """Answers ModelInfer and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.lock = threading.Lock()

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        assert call.method == "/inference.GRPCInferenceService/ModelInfer"

        def infer(request: Any, context: grpc.ServicerContext) -> Any:
            with self.lock:
                self.asked.append(request)
            if request.raw_input_contents[0] == b"seven":
                context.abort(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
            return service_pb2.ModelInferResponse()

        return grpc.unary_unary_rpc_method_handler(
            infer, service_pb2.ModelInferRequest.FromString, service_pb2.ModelInferResponse.SerializeToString
        )


def test_grpc_load_asks_as_the_gateway_does() -> None:
    triton = Triton()
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[triton])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        row = measure(Target((f"127.0.0.1:{port}",), "pretrained"), PHOTOS, concurrency=3, seconds=1, processes=2)
    finally:
        server.stop(None).wait()
    assert row["images_per_second"] > 10
    assert set(row["failures"]) == {"UNAVAILABLE"}
    request = triton.asked[0]
    assert request.model_name == "pretrained"
    assert [(each.name, each.datatype) for each in request.inputs] == [("IMAGE", "UINT8")]
    assert list(request.inputs[0].shape) == [1, len(request.raw_input_contents[0])]
    assert [each.name for each in request.outputs] == ["PROBABILITIES"]
    assert {each.raw_input_contents[0] for each in triton.asked} == set(PHOTOS)


def test_a_server_that_is_away_is_told_as_failures() -> None:
    row = measure(Target(("http://127.0.0.1:1",), "raw"), PHOTOS, concurrency=1, seconds=0.2, processes=1)
    assert row["images_per_second"] == 0
    assert row["p50_ms"] is None
    assert set(row["failures"]) == {"ConnectionRefusedError"}


def test_a_process_that_dies_is_no_figure(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="lines above say why"):
        measure(Target((), "raw"), PHOTOS, concurrency=1, seconds=0.1, processes=1)
    assert "IndexError" in capfd.readouterr().err


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A driver's tool that knows the two questions that are asked."""
    program = tmp_path / "nvidia-smi"
    program.write_text(
        """#!/usr/bin/env bash
if [[ $* == *name* ]]; then echo "NVIDIA H200, 143771 MiB, 580.1"; exit; fi
[[ $* == *--loop-ms=250* ]] || exit 2
echo "10, 1000, 200.5"; echo "[N/A], 1, 1"; echo "90, 3000, 400.5"
exec sleep 60
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


@pytest.mark.usefixtures("nvidia_smi")
def test_the_gpu_is_watched_while_something_runs() -> None:
    assert gpu_name() == {"name": "NVIDIA H200", "memory": "143771 MiB", "driver": "580.1"}
    with GpuWatch() as watch:
        for _ in range(200):
            if len(watch._samples) == 2:
                break
            threading.Event().wait(0.05)
    assert watch.result() == {"utilisation_percent": 50, "memory_mib": 3000, "power_w": 300}


def test_without_a_driver_there_is_nothing_to_watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_name() is None
    with GpuWatch() as watch:
        pass
    assert watch.result() is None


def test_a_gpu_that_is_not_there_is_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="--device cpu"):
        run(parse(["--device", "gpu"]))


def test_targets_are_met_missed_or_not_measured() -> None:
    def row(rate: float, **more: Any) -> dict[str, Any]:
        return {"images_per_second": rate, **more}

    result = {
        "direct": {"pretrained": [row(900), row(11_000), row(15_000, failures={"UNAVAILABLE": 1})]},
        "gateway": {"pretrained": [row(2400)]},
        "baseline": None,
    }
    verdict = judge(result)
    assert verdict["direct_pretrained"] == {"target": 10_000, "measured": 11_000, "met": True}
    assert verdict["gateway_pretrained"]["met"] is False
    assert verdict["direct_against_baseline"] == {"target": 20, "measured": None, "met": None}
    verdict = judge({**result, "baseline": {"pretrained": [row(500)]}})
    assert verdict["direct_against_baseline"] == {"target": 20, "measured": 22.0, "met": True}
