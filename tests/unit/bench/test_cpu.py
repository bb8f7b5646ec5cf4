"""The benchmark on a processor: what it reads from its tools, how it judges, and a peer with a toy network."""

import os
import stat
import sys
import time
from pathlib import Path

import psutil
import pytest

from scripts.bench import servers
from scripts.bench.cpu import direct, wrk
from scripts.bench.cpu.__main__ import parse
from scripts.bench.cpu.contenders import AnswerError, Peer, differences, settle, standing_still
from scripts.bench.cpu.limit import fastest
from scripts.bench.cpu.report import table, verdict
from scripts.bench.cpu.rows import Row, middle
from scripts.bench.cpu.targets import judge
from scripts.bench.cpu.wrk import ToolError
from scripts.bench.servers import process

WRK = """Running 3s test @ http://127.0.0.1:9000/raw/predict
  1 threads and 16 connections
Requests/sec:    101.00
{"microseconds":2000000,"answers":210,"refused":10,"broken":1,"timeouts":2,"p50":15000,"p99":32500}
"""


def test_only_good_answers_of_wrk_count() -> None:
    assert wrk.parse(WRK) == Row(photos_per_second=100.0, p50_ms=15.0, p99_ms=32.5, failures=13)


def test_a_script_that_failed_is_no_figure() -> None:
    with pytest.raises(ToolError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1")


def test_a_missing_wrk_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install wrk"):
        wrk.require_wrk()


def test_bodies_are_forms_of_the_photos(tmp_path: Path) -> None:
    wrk.write_bodies([b"one", b"two"], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
    body = (tmp_path / "1").read_bytes()
    assert b"two" in body
    assert body.startswith(b"------bin-it-right\r\n")


def test_a_report_of_perf_analyzer_is_read() -> None:
    report = "Concurrency,Inferences/Second,Client Send,p50 latency,p99 latency\n16,123.4,5,120000,250000\n"
    assert direct.parse(report) == Row(photos_per_second=123.4, p50_ms=120.0, p99_ms=250.0)
    with pytest.raises(ToolError, match="more seconds"):
        direct.parse("Concurrency,Inferences/Second,p50 latency,p99 latency\n")


@pytest.mark.parametrize("works", [True, False])
def test_the_tool_that_made_the_load_is_named(tmp_path: Path, works: bool) -> None:
    program = tmp_path / "perf_analyzer"
    program.write_text(f"#!/bin/sh\nexit {0 if works else 127}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    tool = direct.Direct("127.0.0.1:1", [b"photo"], tmp_path, program).tool
    assert tool.startswith("perf_analyzer") is works


def test_the_median_of_rounds_keeps_every_failure() -> None:
    rows = [Row(10, 1, 9, 1), Row(30, 3, 7), Row(20, 2, 8, 2)]
    assert middle(rows) == Row(20, 2, 8, 3)


def test_the_network_alone_is_judged_by_the_medians_of_the_rounds() -> None:
    rounds = [{1: [9.0, 5.0], 8: [10.0, 20.0]}, {1: [1.0, 5.5], 8: [30.0, 22.0]}, {1: [2.0, 5.2], 8: [11.0, 21.0]}]
    assert fastest(rounds) == {1: 5.2, 8: 21.0}


def test_targets_are_ratios_of_one_run() -> None:
    results = {
        "pretrained": {
            "service": {1: Row(5, 200, 300), 16: Row(16, 1000, 1200)},
            "direct": {16: Row(16.5, 1000, 1100)},
            "ancestor": {1: Row(6, 160, 200), 16: Row(10, 1500, 3000)},
            "tuned": {16: Row(12, 1, 1)},
            "onnx": {16: Row(17, 1, 1)},
        }
    }
    found = {each["what"]: (each["ratio"], each["met"]) for each in judge(results, {"pretrained": 20})}
    assert found == {
        "throughput against the ancestor's way": (1.6, True),
        "throughput against the best tuned peer": (0.94, False),
        "throughput against Triton without the gateway": (0.97, True),
        "p99 at 16 in flight against the ancestor's way": (0.4, True),
        "p50 at 1 in flight against the ancestor's way": (1.25, False),
        "throughput against the network alone": (0.8, False),
    }


def test_what_was_not_measured_is_not_judged() -> None:
    assert judge({"raw": {"service": {16: Row(1, 1, 1)}}}, {}) == []


def test_tables_name_failures_and_missed_targets() -> None:
    results = {"raw": {"service": {1: Row(10, 100, 120), 16: Row(20, 800, 900, 3)}, "tuned": {16: Row(30, 1, 2)}}}
    lines = table(results, {"raw": 50.0}).splitlines()
    assert lines == [
        "| raw | 1 in flight | 16 in flight |",
        "|---|---|---|",
        "| gateway and Triton | 10.0 (100, 120) | 20.0 (800, 900) **3 failed** |",
        "| FastAPI, tuned TorchScript |  | 30.0 (1, 2) |",
        "| the network alone | 50.0 | |",
    ]
    said = verdict([{"model": "raw", "what": "throughput", "target": "at least 2", "ratio": 1.5, "met": False}])
    assert said.splitlines()[-1] == "| raw | throughput | at least 2 | 1.50 | **no** |"


def test_servers_that_disagree_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"one": 0.9, "two": 0.88, "three": 0.5}
    answers = {name: {"glass": share, "metal": 1 - share} for name, share in shares.items()}
    monkeypatch.setattr("scripts.bench.cpu.contenders.classify", lambda url, model, photo: answers[url])
    assert differences({"one": "one", "two": "two"}, "raw", [b"", b""]) == {"two": 0.02}
    with pytest.raises(AnswerError, match=r"three and one differ by 0\.400"):
        differences({"one": "one", "three": "three"}, "raw", [b""])


def becomes(child: psutil.Process, *, stopped: bool) -> bool:
    """Whether the process gets there: the kernel stops it when it is next scheduled, which takes its time."""
    for _ in range(2000):
        if (child.status() == psutil.STATUS_STOPPED) is stopped:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(servers, "LOGS", tmp_path / "logs")
    return tmp_path / "logs"


def test_what_a_server_said_is_kept(logs: Path) -> None:
    with process("peer", ["echo", "out of memory"], dict(os.environ)) as started:
        while started.is_up():
            time.sleep(0.01)
    (log,) = logs.iterdir()
    assert log.name.startswith("peer-")
    assert log.read_text() == "out of memory\n"


@pytest.mark.usefixtures("logs")
def test_a_peer_stands_still_while_another_is_measured() -> None:
    with process("peer", ["sleep", "60"], dict(os.environ)) as started:
        while not (children := psutil.Process(started.pid).children()):
            time.sleep(0.01)
        (child,) = children
        with standing_still([Peer("http://127.0.0.1:1", started.pid)]):
            assert becomes(child, stopped=True)
        assert becomes(child, stopped=False)
    assert not child.is_running()


@pytest.mark.usefixtures("logs")
def test_what_is_left_to_do_is_waited_for() -> None:
    work = "import time; end = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass\ntime.sleep(60)"
    with process("peer", [sys.executable, "-c", work], dict(os.environ)) as started:
        while not (children := psutil.Process(started.pid).children()):
            time.sleep(0.01)
        settle(most=60)
        busy = children[0].cpu_times().user
        time.sleep(0.3)
        assert children[0].cpu_times().user - busy < 0.15


def test_make_hands_its_variables_on() -> None:
    given = parse(["--photos", "folder", "--seconds", "2", "--rounds", "1", "--only", "service", "ancestor"])
    assert (given.photos, given.seconds, given.rounds, given.only) == (
        Path("folder"),
        2.0,
        1,
        ["service", "ancestor"],
    )
