"""The server's log: all of it in a file, and only trouble on the screen."""

import io
import sys
from pathlib import Path

import pytest

from embedded_triton.errors import ServerStartError
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
    assert stdout.buffer.getvalue() == LINES
    assert reports == []


def test_a_full_disk_ends_nothing_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "server.log").symlink_to("/dev/full")
    reports: list[str] = []
    lines = follow(ServerLog(tmp_path / "server.log", reports.append, has_gpu=False))
    assert lines == LINES.decode().splitlines()
    lost = [report for report in reports if "are lost: No space left on device" in report]
    assert len(lost) == 1
    assert any("failed to load" in report for report in reports)


def test_a_full_disk_behind_standard_output_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", type("Full", (), {"buffer": full}))
        assert follow(ServerLog(None, lambda _line: None, has_gpu=False)) == LINES.decode().splitlines()


def test_a_report_that_cannot_be_printed_ends_nothing(tmp_path: Path) -> None:
    def report(_line: str) -> None:
        raise OSError(28, "No space left on device")

    lines = follow(ServerLog(tmp_path / "server.log", report, has_gpu=True))
    assert lines == LINES.decode().splitlines()
    assert (tmp_path / "server.log").read_bytes() == LINES


def test_the_file_has_a_size_limit(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "server.log", lambda _line: None, has_gpu=False, limit=2 * len(LINES))
    for _ in range(7):
        follow(log)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(files) == {"server.log", "server.log.1"}
    assert all(0 < len(content) <= 2 * len(LINES) for content in files.values())
    assert files["server.log"].endswith(b"call last):\n")


def test_a_folder_that_cannot_be_made_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerStartError, match=r"server\.log cannot be written: .*`--logs FOLDER`"):
        ServerLog(tmp_path / "file" / "server.log", lambda _line: None, has_gpu=False)
