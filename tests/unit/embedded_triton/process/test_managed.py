"""Managed programs: real processes, killed in every way."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded_triton.process.managed import ManagedProcess
from tests.support.waiting import eventually

#: Starts a child that ignores SIGTERM, as a hanging backend would, prints both process ids, and waits for ever.
PROGRAM = """
import os, signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
process.stdout.readline()
if {ignores_sigterm}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), process.pid, flush=True)
time.sleep(600)
"""


def all_gone(pids: list[int]) -> bool:
    """Say whether none of the processes runs; one that only waits for its parent to take note does not."""
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return False
    return True


def start(*, ignores_sigterm: bool = False, grace: float = 30, **options: Any) -> tuple[ManagedProcess, list[int]]:
    """Start the program; return it with the process ids of itself and its child."""
    command = [sys.executable, "-c", PROGRAM.format(ignores_sigterm=ignores_sigterm)]
    process = ManagedProcess(command, environment=os.environ, grace=grace, output=subprocess.PIPE, **options)
    assert process.stdout is not None
    with process.stdout as stream:
        return process, [int(word) for word in stream.readline().split()]


def test_status_and_output_are_the_programs_own() -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    command = [sys.executable, "-u", "-c", program]
    process = ManagedProcess(command, environment=os.environ, grace=1, output=subprocess.PIPE)
    assert process.wait() == 7
    assert process.stdout is not None
    with process.stdout as stream:
        assert stream.read().split() == [b"out", b"err"]


def test_stopping_ends_the_descendants_too() -> None:
    process, pids = start()
    assert process.stop() == 128 + signal.SIGTERM
    assert all_gone(pids)


def test_a_program_that_does_not_stop_is_killed_after_its_grace() -> None:
    process, pids = start(ignores_sigterm=True, grace=0.2)
    assert process.stop() == 128 + signal.SIGKILL
    assert all_gone(pids)


def test_letting_go_kills_at_once_even_while_it_is_stopping() -> None:
    process, pids = start(ignores_sigterm=True, grace=600)
    process.terminate()
    process.kill()
    assert process.wait() == 128 + signal.SIGKILL
    assert all_gone(pids)


def test_a_descendant_with_a_session_of_its_own_is_ended_too() -> None:
    # So the server of CUDA's Multi-Process Service may be.
    program = """
import subprocess, sys
sleeper = "import time; print('up', flush=True); time.sleep(600)"
process = subprocess.Popen([sys.executable, "-c", sleeper], stdout=subprocess.PIPE, start_new_session=True)
process.stdout.readline()
print(process.pid, flush=True)
"""
    command = [sys.executable, "-c", program]
    process = ManagedProcess(command, environment=os.environ, grace=30, output=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as stream:
        sleeper = int(stream.readline())
    assert process.wait(20) == 0
    assert all_gone([sleeper])


def test_a_managed_program_of_a_managed_program_is_cleaned_up_after_too(tmp_path: Path) -> None:
    # So a benchmark starts the embedded server, which starts Triton: whoever kills the first loses nothing.
    folder = tmp_path / "private"
    folder.mkdir()
    inner = """
import os, pathlib, subprocess, sys, time
from embedded_triton.process.managed import ManagedProcess
sleeper = "import time; print('up', flush=True); time.sleep(600)"
command = [sys.executable, "-c", sleeper]
process = ManagedProcess(command, environment=os.environ, grace=30, output=subprocess.PIPE, folder=pathlib.Path(FOLDER))
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", inner.replace("FOLDER", repr(str(folder)))]
    process = ManagedProcess(command, environment=os.environ, grace=30, output=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as stream:
        subreaper = int(stream.readline())
    process.kill()
    process.wait(20)
    assert all_gone([subreaper])
    assert not folder.exists()


def test_segments_and_folder_go_with_the_program(tmp_path: Path) -> None:
    prefix = f"test-managed-{os.getpid()}-"
    folder = tmp_path / "private"
    folder.mkdir()
    process, _ = start(shared_memory_prefix=prefix, folder=folder)
    segment = Path("/dev/shm", f"{prefix}segment")
    segment.touch()
    process.stop()
    assert not list(Path("/dev/shm").glob(f"{prefix}*"))
    assert not folder.exists()


@pytest.fixture
def starter() -> Iterator[tuple[int, list[int]]]:
    """A process that has started a managed program: its process id, and those of subreaper, program and child."""
    code = "import time\nfrom {name} import start\nprocess, pids = start()\nprint(process.pid, *pids, flush=True)\n"
    command = [sys.executable, "-c", code.format(name=__name__) + "time.sleep(600)"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[4])
    assert process.stdout is not None
    with process.stdout as stream:
        pids = [int(word) for word in stream.readline().split()]
    yield process.pid, pids
    process.kill()
    process.wait()
    for pid in filter(psutil.pid_exists, pids):
        os.kill(pid, signal.SIGKILL)


def test_killing_the_starter_leaves_no_process(starter: tuple[int, list[int]]) -> None:
    pid, pids = starter
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: all_gone(pids))


def test_killing_the_subreaper_ends_the_program(starter: tuple[int, list[int]]) -> None:
    # Its descendants are its own affair then: Triton's backends end themselves without their server.
    _, (subreaper, program, _) = starter
    os.kill(subreaper, signal.SIGKILL)
    assert eventually(lambda: all_gone([program]))
