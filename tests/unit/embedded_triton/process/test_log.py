"""The server's log: all of it in a file, and only trouble on the screen."""

import io
import sys
from pathlib import Path

import pytest

from embedded_triton.process.log import ServerLog

LINES = (
    b'2026-11-23T04:37:02Z I 1 grpc_server.cc:2558] "Started GRPCInferenceService"\n'
    b'2026-11-23T04:37:02Z W 1 pinned_memory_manager.cc:273] "Unable to allocate pinned system memory: CUDA driver"\n'
    b'2026-11-23T04:37:03Z E 1 model_lifecycle.cc:642] "failed to load raw_cnn"\n'
    b"Traceback (most recent call last):\n"
)


def follow(log: ServerLog) -> list[str]:
    log.follow(io.BytesIO(LINES))
    return log.last_lines()


@pytest.mark.parametrize(
    ("has_gpu", "reported"), [(False, ["failed to load"]), (True, ["Unable to", "failed to load"])]
)
def test_trouble_is_reported_and_all_is_kept(tmp_path: Path, has_gpu: bool, reported: list[str]) -> None:
    reports: list[str] = []
    lines = follow(ServerLog(tmp_path / "server.log", reports.append, has_gpu=has_gpu))
    assert (tmp_path / "server.log").read_bytes() == LINES
    assert lines == LINES.decode().splitlines()
    assert len(reports) == len(reported)
    assert all(part in report for part, report in zip(reported, reports, strict=True))


def test_without_a_file_all_goes_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    reports: list[str] = []
    follow(ServerLog(None, reports.append, has_gpu=False))
    assert stdout.buffer.getvalue() == LINES  # type: ignore[attr-defined]
    assert reports == []
