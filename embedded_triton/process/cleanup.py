"""Finds and removes what servers leave behind: segments in /dev/shm, and processes without their subreaper.

While a server runs, its subreaper holds a lock on a file among its segments. So whether segments have an owner is known
even where the processes of others cannot be seen, as in containers that share /dev/shm.
"""

import contextlib
import fcntl
import os
import signal
from pathlib import Path

from embedded_triton.process.process_table import processes_naming

FOLDER = Path("/dev/shm")  # noqa: S108 - the kernel's folder for shared memory, not a temporary file
_LOCK_SUFFIX = "owner"


def hold_lock(prefix: str, folder: Path = FOLDER) -> int:
    """Take the lock that says that the segments of ``prefix`` have an owner; it ends with this process.

    Returns:
        The file descriptor that holds the lock.
    """
    descriptor = os.open(folder / f"{prefix}{_LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def remove_segments(prefix: str, folder: Path = FOLDER) -> list[str]:
    """Remove every segment whose name begins with ``prefix``, and return the names.

    Raises:
        ValueError: the prefix is empty, which would remove everyone's.
    """
    if not prefix:
        raise ValueError("an empty prefix would remove the segments of every program")
    names = sorted(path.name for path in folder.iterdir() if path.name.startswith(prefix))
    for name in names:
        (folder / name).unlink(missing_ok=True)
    return names


def abandoned_prefixes(family: str, folder: Path = FOLDER) -> list[str]:
    """Return the prefixes of all servers of ``family`` whose segments have no owner any more."""
    prefixes = []
    for lock in sorted(folder.glob(f"{family}-*-{_LOCK_SUFFIX}")):
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # another user's, or gone meanwhile
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            prefixes.append(lock.name.removesuffix(_LOCK_SUFFIX))
        except BlockingIOError:  # its server runs
            pass
        finally:
            os.close(descriptor)
    return prefixes


def remove_orphans(family: str, folder: Path = FOLDER) -> list[str]:
    """Kill the processes and remove the segments of every server of ``family`` that has no subreaper any more.

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
