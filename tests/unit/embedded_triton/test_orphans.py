"""Cleaning up after servers that ended without their reaper."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_triton.orphans import remove_orphans
from embedded_triton.shared_memory import hold_lock

FAMILY = f"ours-{os.getpid()}"
RUNNING, ABANDONED, OTHER = f"{FAMILY}-1-", f"{FAMILY}-2-", f"other-{os.getpid()}-1-"


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


def test_only_processes_and_segments_without_a_reaper_go(
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
