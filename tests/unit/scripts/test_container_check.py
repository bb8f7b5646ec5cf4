"""The check-list for NVIDIA's container, with a docker that only notes what it is asked."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.container_check import __main__ as checks
from scripts.container_check import container
from scripts.container_check.report import Step, render
from tests.support.fake_triton import FakeTriton

ROOT = Path(__file__).resolve().parents[3]
ROW = {"concurrency": 16, "images_per_second": 5100.5, "p50_ms": 3.1, "p99_ms": 9.9}
BENCH = {"benchmark": "gpu", "direct": {"pretrained": [ROW]}, "gateway": None, "baseline": None}
DOCKER = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$NOTES"
case "$1" in
    version) echo 28.3.0 ;;
    run)
        [[ ${REFUSE:-} ]] && { echo 'could not select device driver "" with capabilities: [[gpu]]' >&2; exit 125; }
        echo id ;;
    inspect) [[ $* == *Running* ]] && echo "${RUNNING:-true}" || echo "nvcr.io/nvidia/tritonserver@sha256:abc" ;;
    logs) echo "2026-11-25T10:00:00Z W 1 memory.cc:212] a warning"; echo "2026-11-25T10:00:00Z I 1 fine" ;;
esac
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake docker on the path, and the file of its notes."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return tmp_path / "notes"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTriton]:
    """A server on the port that the container is said to listen on."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    fake = FakeTriton()
    fake.models |= {"preprocess", "raw_cnn", "resnet50"}
    asyncio.run_coroutine_threadsafe(fake.start(), loop).result(10)
    monkeypatch.setattr(container, "free_ports", lambda _count: [fake.port])
    yield fake
    asyncio.run_coroutine_threadsafe(fake.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that say what they were asked, in place of those that take minutes."""

    def saying(text: str, status: int = 0) -> list[str]:
        return [sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"]

    monkeypatch.setattr(checks, "export_command", lambda *_: saying("exported"))
    monkeypatch.setattr(checks, "tests_command", lambda url, _repository: saying(f"12 passed against {url}"))
    monkeypatch.setattr(checks, "bench_command", lambda *_: saying("progress\n" + json.dumps(BENCH)))


def run(tmp_path: Path) -> tuple[bool, str]:
    passed = checks.check(None, tmp_path / "report.md", tmp_path / "checked")
    return passed, (tmp_path / "report.md").read_text()


@pytest.mark.usefixtures("quick")
def test_the_whole_list(tmp_path: Path, notes: Path, server: FakeTriton, capsys: pytest.CaptureFixture[str]) -> None:
    passed, report = run(tmp_path)
    assert passed
    asked = notes.read_text().splitlines()
    assert [line.split()[0] for line in asked if not line.startswith("inspect")] == [
        *("version", "pull", "run", "logs", "rm")
    ]
    (start,) = [line for line in asked if line.startswith("run")]
    for words in (
        "--gpus all",
        f"--publish 127.0.0.1:{server.port}:8001",
        f"--volume {tmp_path}/checked/model_repository:/models:ro",
        f"--volume {ROOT}/scripts/images/triton-gpu.sh:/triton-gpu.sh:ro",
        "--env MODEL_REPOSITORY=/models",
    ):
        assert words in start
    assert start.endswith(f"--entrypoint /triton-gpu.sh {container.image()}")
    assert asked[-1] == f"rm --force bin-it-right-check-{server.port}"
    for line in (
        "- image: nvcr.io/nvidia/tritonserver:",
        "- digest: nvcr.io/nvidia/tritonserver@sha256:abc",
        "| end-to-end tests | passed |",
        "| direct | pretrained | 16 | 5100.5 | 3.1 | 9.9 |",
        f"12 passed against 127.0.0.1:{server.port}",
        "Warnings and errors of the server: 1",
        "a warning",
    ):
        assert line in report
    assert "fine" not in report
    assert json.loads(capsys.readouterr().out) == BENCH


@pytest.mark.usefixtures("quick", "server")
def test_a_step_that_fails_is_told_and_the_rest_goes_on(
    tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = [sys.executable, "-c", "raise SystemExit('1 failed')"]
    monkeypatch.setattr(checks, "tests_command", lambda *_: fails)
    passed, report = run(tmp_path)
    assert not passed
    assert "| end-to-end tests | **failed** |" in report
    assert "| benchmark | passed |" in report
    assert "1 failed" in report
    assert notes.read_text().splitlines()[-1].startswith("rm --force")


@pytest.mark.usefixtures("quick", "notes")
@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [("REFUSE", "1", "could not select device driver"), ("RUNNING", "false", "did not get ready")],
)
def test_a_container_that_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    passed, report = run(tmp_path)
    assert not passed
    assert "| the container | **failed** |" in report
    assert words in report


@pytest.mark.usefixtures("quick")
def test_without_docker_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    passed, report = run(tmp_path)
    assert not passed
    assert "Docker is not installed" in report


def test_the_real_steps_name_what_is_there() -> None:
    words = checks.tests_command("host:1", Path("/models"))
    assert "--triton-url=host:1" in words
    assert all((ROOT / test).is_file() for test in checks.TESTS)
    assert checks.export_command(Path("/models"))[3:] == ["export", "--model-repository=/models", "--half"]
    assert checks.bench_command("host:1", Path("/models"), Path("/photos"))[3:] == [
        *("/photos", "--triton=host:1", "--model-repository=/models")
    ]


def test_a_report_without_anything() -> None:
    assert "| x | passed | 1 |" in render({}, [Step("x", True, 1.2, "")], None, "")
