"""The latency breakdown: every line is a mean, and together they are the round trip."""

import pytest

from scripts.benchmarks.breakdown.latency import MeasurementError, Statistics, latency_breakdown, server_timing, table
from scripts.benchmarks.load.client import Reply

PHASES = ("success", "queue", "compute_input", "compute_infer", "compute_output")


def statistics(requests: int, *milliseconds: float) -> Statistics:
    counters = {phase: int(value * requests * 1e6) for phase, value in zip(PHASES, milliseconds, strict=True)}
    return Statistics(requests, requests, counters)


def reply(milliseconds: float) -> Reply:
    headers = {"server-timing": "validate;dur=1.0, triton;dur=12.0, total;dur=15.0"}
    return Reply(200, headers, {}, milliseconds / 1000)


def test_the_parts_add_up_to_the_round_trip() -> None:
    replies = [reply(16), reply(18)]
    steps = {"preprocess": statistics(2, 5, 1, 0.5, 3, 0.25), "network": statistics(2, 4, 1, 0.25, 2, 0.5)}

    lines = latency_breakdown(replies, statistics(2, 10, 0, 0, 0, 0), steps)

    assert sum(lines.values()) == pytest.approx(17)
    assert lines["client and gateway: HTTP"] == pytest.approx(2)
    assert lines["gateway: multipart, admission, JSON"] == pytest.approx(2)
    assert lines["gateway and Triton: gRPC"] == pytest.approx(2)
    assert lines["preprocess: computes"] == pytest.approx(3)
    assert lines["Triton: between the steps, and what overlaps"] == pytest.approx(1.5)


def test_statistics_of_others_are_refused() -> None:
    with pytest.raises(MeasurementError, match="98 requests came from others"):
        latency_breakdown([reply(16), reply(16)], statistics(100, 10, 0, 0, 0, 0), {})


def test_only_what_came_since_counts() -> None:
    work = statistics(30, 4, 1, 1, 1, 1).since(statistics(10, 10, 1, 1, 1, 1))

    assert work.requests == 20
    assert work.milliseconds("success") == pytest.approx(1)


def test_server_timing_is_read_by_name() -> None:
    assert server_timing("validate;dur=0.3, total;dur=12.5") == {"validate": 0.3, "total": 12.5}


def test_the_table_has_the_share_of_each_part() -> None:
    assert "| a | 1.00 | 25% |" in table({"a": 1.0, "b": 3.0})
