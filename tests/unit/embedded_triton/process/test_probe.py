"""Whom the probe asks, and whom it takes at the word of others."""

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tritonclient.grpc import model_config_pb2
from tritonclient.utils import InferenceServerException

from embedded_triton.process import probe as module
from embedded_triton.process.probe import Probe, ProbeError
from tests.support.fake_triton import FakeTriton

STEPS = {"raw": ("preprocess", "raw_cnn"), "pretrained": ("preprocess", "resnet50")}


class Server:
    """Stands in for server and client: it counts answers as Triton does, and writes down whom the probe asks."""

    def __init__(self) -> None:
        self.answered = Counter({"raw": 0, "pretrained": 0})
        self.asked: list[str] = []
        self.fault: InferenceServerException | None = None
        #: Models that answer nobody, and what is answered meanwhile.
        self.stuck: set[str] = set()
        self.meanwhile = Counter[str]()

    def __call__(self, _url: str, *, channel_args: object) -> "Server":
        assert channel_args
        return self

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get_inference_statistics(self, client_timeout: float) -> Any:
        assert client_timeout == 3
        if self.fault:
            raise self.fault
        stats = [
            SimpleNamespace(name=name, inference_stats=SimpleNamespace(success=SimpleNamespace(count=count)))
            for name, count in self.answered.items()
        ]
        return SimpleNamespace(model_stats=stats)

    def get_model_config(self, model: str, client_timeout: float) -> Any:
        assert client_timeout == 3
        config = model_config_pb2.ModelConfig()
        for step in STEPS.get(model, ()):
            config.ensemble_scheduling.step.add(model_name=step)
        config.input.add(name="IN", dims=[-1] if model == "preprocess" else [3, 8, 8], data_type="TYPE_UINT8")
        return SimpleNamespace(config=config)

    def infer(self, model: str, _inputs: object, client_timeout: float) -> Any:
        assert client_timeout == 3
        self.asked.append(model)
        if self.stuck & {model, *STEPS.get(model, ())}:
            self.answered += self.meanwhile
            raise InferenceServerException("Deadline Exceeded", status="StatusCode.DEADLINE_EXCEEDED")
        self.answered[model] += 1
        return SimpleNamespace(as_numpy=lambda _name: np.full((1, 2), 0.5))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(module, "InferenceServerClient", server)
    return server


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    (tmp_path / "image").write_bytes(b"picture")
    return Probe("127.0.0.1:1", ("raw", "pretrained"), tmp_path / "image")


def test_who_has_answered_others_is_not_asked(server: Server, probe: Probe) -> None:
    probe.ask_silent(3)
    probe.ask_silent(3)  # its own questions are none of others
    assert server.asked == ["raw", "pretrained"] * 2
    server.answered["pretrained"] += 7
    probe.ask_silent(3)
    probe.ask_silent(3)
    assert server.asked[4:] == ["raw", "raw", "pretrained"]


def test_a_server_that_was_started_again_is_asked(server: Server, probe: Probe) -> None:
    server.answered["raw"] = 500
    probe.ask_silent(3)
    assert server.asked == ["pretrained"]
    server.answered.clear()
    probe.ask_silent(3)
    assert server.asked[1:] == ["raw", "pretrained"]


def test_all_are_asked_where_an_answer_of_before_says_nothing(server: Server, probe: Probe) -> None:
    server.answered.update(raw=3, pretrained=3)
    probe(3)
    assert server.asked == ["raw", "pretrained"]


@pytest.mark.parametrize(("status", "starting"), [("StatusCode.UNAVAILABLE", True), ("StatusCode.INTERNAL", False)])
def test_a_server_that_does_not_say_fails(server: Server, probe: Probe, status: str, starting: bool) -> None:
    server.fault = InferenceServerException("no such thing", status=status)
    with pytest.raises(ProbeError, match="raw answers: no such thing") as raised:
        probe.ask_silent(3)
    assert raised.value.may_be_starting == starting


@pytest.mark.parametrize("meanwhile", [{"raw": 1}, {"preprocess": 1}])
def test_a_question_that_waits_behind_the_images_of_others_is_no_failure(
    server: Server, probe: Probe, meanwhile: dict[str, int]
) -> None:
    server.stuck, server.meanwhile = {"preprocess"}, Counter(meanwhile)
    server.answered["raw"] = 5
    probe.ask_silent(3)
    # Nobody asks `pretrained`, and its question waits: what it is made of works, or answers when asked by itself.
    assert server.asked == ["pretrained", "resnet50"]


@pytest.mark.parametrize(
    ("stuck", "meanwhile"),
    [
        ({"preprocess"}, {}),  # nothing goes on at all
        ({"preprocess", "resnet50"}, {"raw": 1, "preprocess": 1, "raw_cnn": 1}),
        ({"resnet50"}, {"raw": 9, "preprocess": 9, "raw_cnn": 9}),  # others' traffic does not hide it
    ],
)
def test_a_model_that_answers_nobody_is_a_failure(
    server: Server, probe: Probe, stuck: set[str], meanwhile: dict[str, int]
) -> None:
    server.answered["raw"] = 5
    server.stuck, server.meanwhile = stuck, Counter(meanwhile)
    with pytest.raises(ProbeError, match="pretrained answers: Deadline Exceeded"):
        probe.ask_silent(3)


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "grpc_proxy"])
async def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    for each in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "image").write_bytes(b"picture")
    triton = FakeTriton()
    probe = Probe(await triton.start(), ("raw",), tmp_path / "image")
    try:
        await asyncio.to_thread(probe, 20)
    finally:
        await triton.stop()
    assert triton.inferences == ["raw"]
