"""Finds what servers left behind that ended without their reaper: both were killed, say, for want of memory."""

import contextlib
import os
import signal
from pathlib import Path

from embedded_triton.shared_memory import FOLDER, abandoned_prefixes, remove_segments

_PROCESSES = Path("/proc")


def remove_orphans(family: str, folder: Path = FOLDER) -> list[str]:
    """Kill the processes and remove the segments of every server of ``family`` that has no reaper any more.

    A backend process that hangs while its server is killed stays for ever. It is known by the prefix of its segment,
    which is one of its arguments and no other program's.

    Returns:
        The prefixes that were cleaned up after.
    """
    prefixes = abandoned_prefixes(family, folder)
    for prefix in prefixes:
        for process in _processes_naming(prefix):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        remove_segments(prefix, folder)
    return prefixes


def _processes_naming(prefix: str) -> list[int]:
    found = []
    for process in _PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if prefix.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
