"""The three runs for a GPU: their bounds, their variants, and on a CPU what does not need Triton."""

import argparse
import json
import queue
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from scripts.benchmarks.gpu import budget, ceilings, load
from scripts.benchmarks.gpu.budget import LIMIT, Step
from scripts.benchmarks.gpu.load import EAGER, QueueWatch
from scripts.benchmarks.gpu.runs import RUNS, parse
from scripts.benchmarks.gpu.variants import ONE_PROCESS, VARIANTS, Repository, varied
from tests.support.pictures import bottle, encode
from tests.support.torchscript import read_exported
from tests.support.toy_repository import write_toy_repository
from tests.unit.embedded_triton.backends.backend_loading import Tensor, load_backend

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_repository(tmp_path_factory.mktemp("toy") / "models")


def step(name: str, program: str, seconds: float = 60) -> Step:
    return Step(name, [sys.executable, "-c", program], seconds)


def test_a_run_tells_how_each_step_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(budget, "ROOT", tmp_path)
    child = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    steps = [
        step("good", "print('a word'); print('{\"rate\": 1}'); print('{no json'); print('{\"rate\": 2}')"),
        step("bad", "print('{\"rate\": 3}'); raise SystemExit(3)"),
        step("endless", child, 5),
        step("too long", "print('{\"rate\": 4}')", 10_000),
        step("short", "print('{\"rate\": 5}')", 1),
    ]
    document = budget.run("trial", steps, limit=120)
    *rows, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert rows == [
        {"step": "good", "rate": 1},
        {"step": "good", "rate": 2},
        {"step": "bad", "rate": 3},
        {"step": "short", "rate": 5},
    ]
    assert last == document
    assert document["benchmark"] == "gpu-trial"
    ended = {"good": "done", "bad": "failed", "endless": "stopped", "too long": "cut", "short": "done"}
    assert document["steps"] == ended
    pid = int((tmp_path / "build" / "gpu" / "trial" / "endless.log").read_text().split()[0])
    assert not psutil.pid_exists(pid)


def test_no_step_gets_more_than_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []
    now = [0.0]

    def run(_: str, __: Step, seconds: float) -> str:
        limits.append(seconds)
        now[0] += seconds
        return "done"

    monkeypatch.setattr(budget, "_run", run)
    steps = [step(str(number), "", 200) for number in range(4)]
    ended = budget.run("trial", steps, clock=lambda: now[0])["steps"]
    assert limits == [200, 200]
    assert list(ended.values()) == ["done", "done", "cut", "cut"]
    assert sum(limits) + budget.GRACE <= LIMIT


@pytest.mark.parametrize("name", RUNS)
def test_the_steps_of_each_run_fit_and_their_commands_are_understood(
    name: str, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = parse([name, "--device", "cpu", "--model-repository", str(toy)])
    given.device, given.seconds, given.concurrency, given.gateways = "gpu", 5.0, [16, 64, 256, 512], [4, 6]
    steps = RUNS[name](given)
    assert len({each.name for each in steps}) == len(steps)
    assert sum(each.seconds for each in steps) < 1.6 * LIMIT  # limits, not estimates: a server starts in half of that
    asked: list[argparse.Namespace] = []
    monkeypatch.setattr(load, "run", asked.append)
    for part in ("decode", "network", "hop"):
        monkeypatch.setattr(ceilings, part, asked.append)
    modules = {"scripts.benchmarks.gpu.load": load, "scripts.benchmarks.gpu.ceilings": ceilings}
    commands = [each.command for each in steps if each.command[2] in modules]
    for command in commands:
        monkeypatch.setattr(sys, "argv", [*command[2:]])
        modules[command[2]].main()
    assert len(asked) == len(commands) >= 3


def test_the_prototypes_run_with_the_multi_process_service_and_without(toy: Path) -> None:
    steps = RUNS["prototypes"](parse(["prototypes", "--device", "cpu", "--model-repository", str(toy)]))
    by_mps = [[each for each in steps if each.variables.get("EMBEDDED_TRITON_MPS") == on] for on in ("false", "true")]
    assert [f"{each.name}, MPS" for each in by_mps[0]] == [each.name for each in by_mps[1]]
    assert steps[-1].name == EAGER


def test_a_gpu_that_is_not_there_is_asked_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.benchmarks.gpu.runs.gpu_name", lambda: None)
    with pytest.raises(SystemExit):
        parse(["service", "--device", "gpu"])


@pytest.mark.parametrize("profile", [None, "h100"])
def test_variants_change_a_copy(profile: str | None, toy: Path) -> None:
    before = {file: file.read_bytes() for file in toy.rglob("*") if file.is_file()}
    changed = {}
    for name, change in VARIANTS.items():
        with varied(toy, profile, change) as repository:
            changed[name] = {model: repository.read(model) for model in ("preprocess", "resnet50", "pretrained")}
            assert repository.profile == (ONE_PROCESS if name.startswith("one process") else profile)
            assert (repository.folder / "raw_cnn" / "1" / "model.pt").samefile(toy / "raw_cnn" / "1" / "model.pt")
        assert not repository.folder.exists()
    assert {file: file.read_bytes() for file in toy.rglob("*") if file.is_file()} == before
    plain = changed["as it is"]
    assert plain == {model: Repository(toy, profile).read(model) for model in plain}
    assert changed["with queue policy"]["preprocess"].dynamic_batching.default_queue_policy.max_queue_size > 0
    assert changed["without graphs"]["resnet50"].parameters["CUDA_GRAPHS"].string_value == "false"
    cpu_only = changed["tensors on the CPU"]["resnet50"].parameters["FORCE_CPU_ONLY_INPUT_TENSORS"].string_value
    assert cpu_only == "yes"
    several = changed["4 and 3 instances"]
    assert [several[model].instance_group[0].count for model in ("preprocess", "resnet50")] == [4, 3]
    one = changed["one process, 6 instances"]["pretrained"]
    assert (one.backend, one.platform, one.instance_group[0].count) == ("python", "", 6)
    assert one.output[0].label_filename == "labels.txt"


def test_one_process_answers_as_both_backends_do(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_backend("dali", monkeypatch)
    load_backend("pytorch", monkeypatch)
    monkeypatch.delitem(sys.modules, "scripts.benchmarks.gpu.one_process", raising=False)
    from google.protobuf import json_format

    from scripts.benchmarks.gpu.one_process import TritonPythonModel

    good, other, broken = encode(bottle(), "JPEG"), encode(bottle(200, 99), "PNG"), encode(bottle(), "JPEG")[:900]
    with varied(toy, None, VARIANTS["one process, 4 instances"]) as repository:
        config = json_format.MessageToDict(repository.read("pretrained"), preserving_proto_field_name=True)
        model = TritonPythonModel()
        model.initialize(
            {
                "model_config": json.dumps(config),
                "model_repository": str(repository.folder / "pretrained"),
                "model_version": "1",
                "model_instance_kind": "CPU",
                "model_instance_device_id": "0",
            }
        )

        def request(*files: bytes) -> dict[str, Tensor]:
            return {"IMAGE": Tensor("IMAGE", np.stack([np.frombuffer(file, np.uint8) for file in files]))}

        first, second, third, fourth = model.execute(
            [request(good), request(broken), request(other, other), request(good)]
        )
        network = read_exported(toy / "resnet50" / "1" / "model.pt")
        decoded = super(TritonPythonModel, model).execute([request(good), request(other)])
        expected = network(torch.from_numpy(np.stack([images[0] for images in decoded])))[0].detach().numpy()
    assert "could not be decoded" in str(second.error)
    answers = [each.output_tensors[0] for each in (first, third, fourth)]
    assert {each.name for each in answers} == {"PROBABILITIES"}
    for answer, rows in zip(answers, ([0], [1, 1], [0]), strict=True):
        np.testing.assert_allclose(answer.array(), expected[rows], atol=0.02)


def test_a_stall_is_seen_behind_a_good_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(requests: int, milliseconds: int, batches: dict[int, int]) -> Any:
        waits = SimpleNamespace(count=requests, ns=milliseconds * 10**6)
        sizes = [
            SimpleNamespace(batch_size=size, compute_infer=SimpleNamespace(count=count))
            for size, count in batches.items()
        ]
        ensemble = SimpleNamespace(name="pretrained", batch_stats=[])
        step = SimpleNamespace(name="resnet50", batch_stats=sizes, inference_stats=SimpleNamespace(queue=waits))
        return SimpleNamespace(model_stats=[ensemble, step])

    looks = [look(10, 100, {1: 10}), look(100, 1000, {1: 10, 45: 2}), look(110, 6000, {1: 10, 45: 2, 10: 1})]
    seen = threading.Event()

    class Client:
        def __init__(self, *_: object, **__: object) -> None:
            self._looks = iter(looks)
            self._last = looks[-1]

        def __enter__(self) -> "Client":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def get_inference_statistics(self) -> Any:
            found = next(self._looks, None)
            if found is None:
                seen.set()
            return found or self._last

    monkeypatch.setattr(load, "InferenceServerClient", Client)
    with QueueWatch("here") as watch:
        assert seen.wait(60)
    assert watch.result() == {
        "resnet50": {"waited_over_100_ms": 0.1, "longest_wait_ms": 500.0, "batches": {10: 1, 45: 2}}
    }


def test_ceilings_are_measured_on_a_cpu_too(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = argparse.Namespace(
        device="cpu", model_repository=toy, folder=None, photos=2, seconds=0.01, batch=2, batches=[2], threads=[1]
    )
    ceilings.hop(given)
    ceilings.network(given)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in rows[:4]] == ["tensor", "capsule", "copy and wait", "copy to the host and wait"]
    assert all(row["microseconds"] > 0 for row in rows[:4])
    assert [(row["model"], row["graphs"]) for row in rows[4:]] == [("raw", False), ("pretrained", False)]
    assert all(row["images_per_second"] > 0 for row in rows[4:])
    rates: queue.Queue[float] = queue.Queue()
    ceilings._decode(given, None, 1, threading.Barrier(1), rates)
    assert rates.get() > 0


def test_the_share_of_the_engines_reaches_the_decoder(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = argparse.Namespace(
        device="cpu", model_repository=toy, folder=None, photos=2, seconds=0.01, batch=2, batches=[2], threads=[1]
    )
    imported = ceilings._imported
    shares: list[float] = []

    def import_and_watch(source: Path) -> Any:
        module = imported(source)
        decoder = module.fn.decoders.image

        def decode(*arguments: Any, hw_decoder_load: float, **options: Any) -> Any:
            shares.append(hw_decoder_load)
            return decoder(*arguments, **options)

        monkeypatch.setattr(module.fn.decoders, "image", decode)
        return module

    monkeypatch.setattr(ceilings, "_imported", import_and_watch)
    before = sys.modules["nvidia.dali.fn"].decoders.image
    ceilings._decode(given, 0.65, 1, threading.Barrier(1), queue.Queue())
    monkeypatch.setattr(sys.modules["nvidia.dali.fn"].decoders, "image", before)
    assert shares == [0.65]


def test_requests_of_several_photos_count_each() -> None:
    from scripts.benchmarks.load.processes import Tally, summarise

    assert summarise([Tally([0.1] * 10)], 1, 2.0, 16)["images_per_second"] == 80
