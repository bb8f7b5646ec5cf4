"""The comparison on a CPU: what it reads from its tools, what it plans, and how it judges."""

import os
import stat
import sys
import time
from pathlib import Path

import psutil
import pytest

from scripts.benchmarks import servers
from scripts.benchmarks.compare import contenders
from scripts.benchmarks.compare.__main__ import UPPER_BOUND, parse
from scripts.benchmarks.compare.contenders import AnswerError, Baseline, differences, settle, suspended
from scripts.benchmarks.compare.report import table, verdict
from scripts.benchmarks.compare.rounds import Load, Measure, Rounds, medians, plan
from scripts.benchmarks.compare.targets import judge
from scripts.benchmarks.compare.upper_bound import fastest
from scripts.benchmarks.load import perf_analyzer, wrk
from scripts.benchmarks.load.rows import Row, middle
from scripts.benchmarks.load.wrk import ToolError
from scripts.benchmarks.servers import process

WRK = """Running 3s test @ http://127.0.0.1:9000/raw/predict
  1 threads and 16 connections
Requests/sec:    101.00
{"microseconds":2000000,"answers":210,"refused":10,"broken":1,"timeouts":2,"p50":15000,"p99":32500}
"""


def test_only_good_answers_of_wrk_count() -> None:
    assert wrk.parse(WRK) == Row(images_per_second=100.0, p50_ms=15.0, p99_ms=32.5, failures=13)


def test_a_script_that_failed_is_no_figure() -> None:
    with pytest.raises(ToolError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1")


def test_a_missing_wrk_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install wrk"):
        wrk.require_wrk()


def test_bodies_are_forms_of_the_photos(tmp_path: Path) -> None:
    folder = tmp_path / "bodies"
    wrk.write_bodies([b"one", b"two"], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["0", "1"]
    body = (folder / "1").read_bytes()
    assert b"two" in body
    assert body.startswith(b"------bin-it-right\r\n")


def test_a_report_of_perf_analyzer_is_read() -> None:
    report = "Concurrency,Inferences/Second,Client Send,p50 latency,p99 latency\n16,123.4,5,120000,250000\n"
    assert perf_analyzer.parse(report) == Row(images_per_second=123.4, p50_ms=120.0, p99_ms=250.0)
    with pytest.raises(ToolError, match="more seconds"):
        perf_analyzer.parse("Concurrency,Inferences/Second,p50 latency,p99 latency\n")


@pytest.mark.parametrize("works", [True, False])
def test_the_tool_that_made_the_load_is_named(tmp_path: Path, works: bool) -> None:
    program = tmp_path / "perf_analyzer"
    program.write_text(f"#!/bin/sh\nexit {0 if works else 127}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    tool = perf_analyzer.Direct("127.0.0.1:1", [b"photo"], tmp_path, program).tool
    assert tool.startswith("perf_analyzer") is works


def test_the_median_of_rounds_keeps_every_failure() -> None:
    rows = [Row(10, 1, 9, 1), Row(30, 3, 7), Row(20, 2, 8, 2)]
    assert middle(rows) == Row(20, 2, 8, 3)


def test_the_upper_bound_is_judged_by_the_medians_of_the_rounds() -> None:
    rounds = [{1: [9.0, 5.0], 8: [10.0, 20.0]}, {1: [1.0, 5.5], 8: [30.0, 22.0]}, {1: [2.0, 5.2], 8: [11.0, 21.0]}]
    assert fastest(rounds) == {1: 5.2, 8: 21.0}


RESULTS = {
    "pretrained": {
        "service": {1: Row(5, 200, 300), 16: Row(60, 1000, 1200)},
        "direct": {16: Row(66, 1000, 1100)},
        "eager": {1: Row(6, 160, 200), 16: Row(8, 1500, 3000)},
        "torchscript": {16: Row(12, 1, 1)},
        "openvino_tuned": {16: Row(64, 1, 1)},
    }
}
LARGE = {
    "pretrained": {
        "service": {1: Row(20, 50, 60), 8: Row(40, 100, 120)},
        "eager": {1: Row(8, 100, 120), 8: Row(5, 1000, 1200)},
    }
}


def test_targets_are_ratios_of_one_run() -> None:
    found = {each["what"]: (each["ratio"], each["met"]) for each in judge(RESULTS, LARGE, bfloat16=True)}
    assert found == {
        "throughput of the eager baseline at 16": (7.5, True),
        "throughput of the best tuned baseline at 16": (0.94, False),
        "throughput of Triton without the gateway at 16": (0.91, True),
        "p99 of the eager baseline at 16": (0.4, True),
        "12 megapixels, throughput of the eager baseline at 8": (8.0, True),
        "12 megapixels, p50 of the eager baseline at 1": (0.5, False),
    }


def test_a_cpu_without_bfloat16_has_no_target_against_eager() -> None:
    found = [each["what"] for each in judge(RESULTS, {}, bfloat16=False)]
    assert "throughput of the eager baseline at 16" not in found
    assert "throughput of the best tuned baseline at 16" in found


def test_what_was_not_measured_is_not_judged() -> None:
    assert judge({"raw": {"service": {16: Row(1, 1, 1)}}}, {}, bfloat16=True) == []


def test_slow_and_many_requests_get_longer_measurements() -> None:
    loads = plan(["raw", "pretrained"], [1, 64], [8], 2.0)
    assert [(str(load), load.seconds) for load in loads] == [
        ("raw, concurrency 1", 2),
        ("raw, concurrency 64", 8),
        ("raw, 12 megapixels, concurrency 8", 4),
        ("pretrained, concurrency 1", 6),
        ("pretrained, concurrency 64", 8),
        ("pretrained, 12 megapixels, concurrency 8", 4),
    ]


def test_rounds_ask_the_servers_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.benchmarks.compare.rounds.settle", lambda: None)
    asked: list[tuple[str, Load]] = []

    def server(name: str) -> Measure:
        def measure(load: Load) -> Row:
            asked.append((name, load))
            return Row(len(asked), 1, 2)

        return measure

    rounds = Rounds({name: server(name) for name in ("service", "direct")}, {})
    usual, large = loads = plan(["raw"], [16], [8], 2.0)
    for number in range(2):
        rounds.measure(f"round {number}", loads)
    assert asked == 2 * [("service", usual), ("direct", usual), ("service", large)]
    assert medians(rounds.results(large=False)) == {
        "raw": {"service": {16: Row(2.5, 1, 2)}, "direct": {16: Row(3.5, 1, 2)}}
    }
    assert rounds.results(large=True) == {"raw": {"service": {8: [Row(3, 1, 2), Row(6, 1, 2)]}}}


def test_tables_name_failures_and_missed_targets() -> None:
    results = {"raw": {"service": {1: Row(10, 100, 120), 16: Row(20, 800, 900, 3)}, "torchscript": {16: Row(30, 1, 2)}}}
    lines = table(results, {"raw": 50.0}).splitlines()
    assert lines == [
        "| raw | concurrency 1 | concurrency 16 |",
        "|---|---|---|",
        "| gateway and Triton | 10.0 (100, 120) | 20.0 (800, 900) **3 failed** |",
        "| FastAPI, tuned TorchScript |  | 30.0 (1, 2) |",
        "| model-only upper bound | 50.0 | |",
    ]
    said = verdict([{"model": "raw", "what": "throughput", "target": "at least 2", "ratio": 1.5, "met": False}])
    assert said.splitlines()[-1] == "| raw | throughput | at least 2 | 1.50 | **missed** |"


def test_servers_that_disagree_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"one": 0.9, "two": 0.88, "three": 0.5}
    answers = {name: {"glass": share, "metal": 1 - share} for name, share in shares.items()}
    monkeypatch.setattr("scripts.benchmarks.compare.contenders.classify", lambda url, model, photo: answers[url])
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
    with process("baseline", ["echo", "out of memory"], dict(os.environ)) as started:
        while started.is_up():
            time.sleep(0.01)
    (log,) = logs.iterdir()
    assert log.name.startswith("baseline-")
    assert log.read_text() == "out of memory\n"


@pytest.mark.usefixtures("logs")
def test_a_baseline_stands_still_while_another_is_measured() -> None:
    with process("baseline", ["sleep", "60"], dict(os.environ)) as started:
        while not (children := psutil.Process(started.pid).children()):
            time.sleep(0.01)
        (child,) = children
        with suspended([Baseline("http://127.0.0.1:1", started.pid)]):
            assert becomes(child, stopped=True)
        assert becomes(child, stopped=False)
    assert not child.is_running()


@pytest.mark.usefixtures("logs")
def test_what_is_left_to_do_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = iter((0.0, 0.5, 1.0, 1.0, 1.5))
    monkeypatch.setattr(contenders, "_cpu_seconds", lambda: next(spent))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    settle(most=60)
    assert next(spent) == 1.5


def test_the_work_of_grandchildren_counts() -> None:
    work = "import time\nwhile time.process_time() < 0.5: pass\ntime.sleep(60)"
    with process("baseline", [sys.executable, "-c", work], dict(os.environ)):
        while contenders._cpu_seconds() < 0.5:
            time.sleep(0.01)


def test_make_hands_its_variables_on() -> None:
    given = parse(["--photos", "folder", "--seconds", "2", "--rounds", "1", "--only", "service", "eager"])
    assert (given.photos, given.seconds, given.rounds, given.only) == (
        Path("folder"),
        2.0,
        1,
        ["service", "eager"],
    )


def test_the_short_mode_measures_what_the_targets_need() -> None:
    given = parse(["--short"])
    assert (given.seconds, given.rounds, given.concurrency) == (2.0, 2, [16])
    assert {"service", "direct", "eager", "openvino_tuned"} <= set(given.only)
    assert parse(["--short", "--concurrency", "4", "--seconds", "1"]).concurrency == [4]
    assert UPPER_BOUND in parse([]).only
