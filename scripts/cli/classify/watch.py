"""Finds photos as they arrive in a folder, each once it is whole."""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

from scripts.cli.classify import photos

_LOOK_SECONDS = 0.5
#: Looking may take this share of the time: a large folder is looked at less often.
_SHARE = 0.1

State = tuple[int, int, int]  # inode, size, time of the last change


async def arriving(folder: str, leave_out: Path | None) -> AsyncIterator[str]:
    """Yield photos that are new or changed since the start, until it is cancelled.

    A photo is whole when it stayed the same between two looks and, where Linux can tell, nobody has it open to write.
    Looking works on every file system; notices of changes (inotify) do not come from network drives.
    """
    # Should somebody open a photo to write in the moment of the question below, the kernel sends this signal.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    known = seen = await asyncio.to_thread(_look, folder, leave_out)
    while True:
        began = time.monotonic()
        now = await asyncio.to_thread(_look, folder, leave_out)
        known = {name: state for name, state in known.items() if name in now}
        for name, state in now.items():
            if known.get(name) != state and seen.get(name) == state and not _is_being_written(name):
                known[name] = state
                yield name
        seen = now
        await asyncio.sleep(max(_LOOK_SECONDS, (time.monotonic() - began) / _SHARE))


def _look(folder: str, leave_out: Path | None) -> dict[str, State]:
    found = {}
    for name in photos.find([folder], leave_out) if Path(folder).is_dir() else ():
        try:
            status = Path(name).stat()
        except OSError:
            continue  # it has gone meanwhile
        found[name] = status.st_ino, status.st_size, status.st_mtime_ns
    return found


def _is_being_written(name: str) -> bool:
    """Ask the kernel for a read lease, which it refuses while somebody has the file open to write."""
    try:
        descriptor = os.open(name, os.O_RDONLY)
    except OSError:
        return False  # whoever reads the photo says why it cannot be read
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # another user's file, or a file system without leases
    finally:
        os.close(descriptor)
    return False
