"""Finds what servers left behind that ended without their reaper: both were killed, say, for want of memory."""

import contextlib
import os
import signal
from pathlib import Path

from embedded_triton.processes import processes_naming
from embedded_triton.shared_memory import FOLDER, abandoned_prefixes, remove_segments


def remove_orphans(family: str, folder: Path = FOLDER) -> list[str]:
    """Kill the processes and remove the segments of every server of ``family`` that has no reaper any more.

    A backend process that hangs while its server is killed stays for ever.

    Returns:
        The prefixes that were cleaned up after.
    """
    prefixes = abandoned_prefixes(family, folder)
    for prefix in prefixes:
        for process in processes_naming(prefix):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        remove_segments(prefix, folder)
    return prefixes
