"""Runs one managed program as its subreaper; ``embedded_triton.process.managed`` starts it with ``python -m``.

The subreaper stands between a program and its starter. Standard input is a lifeline pipe: its first line is the job, as
JSON, and when it closes, because the starter closed it or was killed in whatever way, the program and all of its
descendants are killed at once. SIGTERM stops the program gently, with a time limit. In the end the subreaper removes
what the program leaves behind.

It imports little but the standard library, so that it starts quickly and stays small. The job is no argument, so that
whoever kills processes by the program's name does not hit the subreaper too.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from embedded_triton.process.cleanup import hold_lock, remove_segments
from embedded_triton.process.process_table import family

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_POLL = 0.1
#: Seconds that orphans have to end by themselves, and again after SIGKILL.
_ORPHANS_SECONDS, _ORPHANS_POLL = 5.0, 0.01
_LIFELINE = 0


def run(
    command: list[str], *, grace: float, shared_memory_prefix: str | None = None, folder: Path | None = None
) -> int:
    """Run ``command`` until it ends, the lifeline closes, or SIGTERM and then ``grace`` seconds have passed.

    Args:
        command: the program and its arguments.
        grace: seconds between SIGTERM and SIGKILL.
        shared_memory_prefix: begins the names of the segments to remove at the end.
        folder: a private folder to remove at the end.

    Returns:
        The program's exit status, negative for the signal that ended it.
    """
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    libc = ctypes.CDLL(None, use_errno=True)
    # Orphans of the program come to this process, which waits for each: no zombies, even in a container.
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    lock = hold_lock(shared_memory_prefix) if shared_memory_prefix else None
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
    )
    try:
        _wait(child, grace, stopping=lambda: stopping)
    finally:
        try:
            _kill_descendants(child)
        finally:
            if shared_memory_prefix:
                remove_segments(shared_memory_prefix)
            if folder:
                shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)
    return child.wait()


def _wait(child: subprocess.Popen[bytes], grace: float, *, stopping: Callable[[], bool]) -> None:
    deadline: float | None = None
    while child.poll() is None and (deadline is None or time.monotonic() < deadline):
        if stopping() and deadline is None:
            deadline = time.monotonic() + grace
            child.terminate()
        readable, _, _ = select.select([_LIFELINE], [], [], _POLL)
        if readable and not os.read(_LIFELINE, 1):
            return


def _kill_descendants(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    # What began a session of its own was not in that group; as an orphan it comes to this process. A subreaper among
    # them ends by itself, after it has cleaned up.
    _wait_for_orphans(_ORPHANS_SECONDS)
    for orphan in family(os.getpid()) - {os.getpid()}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(orphan, signal.SIGKILL)
    _wait_for_orphans(_ORPHANS_SECONDS)


def _wait_for_orphans(seconds: float) -> None:
    end = time.monotonic() + seconds
    with contextlib.suppress(ChildProcessError):  # none is left
        while time.monotonic() < end:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(_ORPHANS_POLL)


def main() -> int:
    """Read the job from the lifeline and run it; return the program's exit status the way a shell does."""
    # The starter decides on these; a terminal sends them to everyone.
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    line = _read_line(_LIFELINE)
    if not line:
        return 0
    job = json.loads(line)
    status = run(
        job["command"],
        grace=job["grace"],
        shared_memory_prefix=job["shared_memory_prefix"],
        folder=Path(job["folder"]) if job["folder"] else None,
    )
    return status if status >= 0 else 128 - status


def _read_line(descriptor: int) -> bytes:
    """Read up to the first newline, and not a byte further: empty where the starter is gone before it wrote one."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            return b""
        line += byte
    return line


if __name__ == "__main__":
    sys.exit(main())
