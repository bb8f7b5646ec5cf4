"""Cleaning up after servers that ended without their subreaper, and nothing but what is ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_triton.process.cleanup import abandoned_prefixes, hold_lock, remove_orphans, remove_segments

FAMILY = f"ours-{os.getpid()}"
RUNNING, ABANDONED, OTHER = f"{FAMILY}-1-", f"{FAMILY}-2-", f"other-{os.getpid()}-1-"


def test_only_segments_of_the_prefix_go(tmp_path: Path) -> None:
    for name in ("ours-1-a", "ours-1-b", "ours-10-a", "theirs"):
        (tmp_path / name).touch()
    assert remove_segments("ours-1-", tmp_path) == ["ours-1-a", "ours-1-b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ours-10-a", "theirs"]


def test_an_empty_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every program"):
        remove_segments("", tmp_path)


def test_a_prefix_is_abandoned_when_nobody_holds_its_lock(tmp_path: Path) -> None:
    running = hold_lock("ours-1-", tmp_path)
    os.close(hold_lock("ours-2-", tmp_path))
    os.close(hold_lock("other-1-", tmp_path))
    (tmp_path / "ours-3-without-a-lock").touch()
    assert abandoned_prefixes("ours", tmp_path) == ["ours-2-"]
    os.close(running)
    assert abandoned_prefixes("ours", tmp_path) == ["ours-1-", "ours-2-"]


@pytest.fixture
def backends() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Processes whose arguments name a segment, as those of backends do."""
    program = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    processes = {
        prefix: subprocess.Popen([*program, f"{prefix}segment"], stdout=subprocess.PIPE)
        for prefix in (RUNNING, ABANDONED, OTHER)
    }
    for process in processes.values():
        assert process.stdout is not None
        with process.stdout as stream:
            stream.readline()
    yield processes
    for process in processes.values():
        process.kill()
        process.wait()


def test_only_processes_and_segments_without_a_subreaper_go(
    tmp_path: Path, backends: dict[str, subprocess.Popen[bytes]]
) -> None:
    for prefix in backends:
        (tmp_path / f"{prefix}segment").touch()
    running = hold_lock(RUNNING, tmp_path)
    for prefix in (ABANDONED, OTHER):
        os.close(hold_lock(prefix, tmp_path))
    assert remove_orphans(FAMILY, tmp_path) == [ABANDONED]
    os.close(running)
    assert backends[ABANDONED].wait(60) == -signal.SIGKILL
    assert [backends[prefix].poll() for prefix in (RUNNING, OTHER)] == [None, None]
    left = {f"{prefix}{name}" for prefix in (RUNNING, OTHER) for name in ("owner", "segment")}
    assert {path.name for path in tmp_path.iterdir()} == left
