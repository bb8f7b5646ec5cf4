"""The processes of a server, known by the prefix of its segments: one of their arguments, and no other program's."""

import contextlib
from pathlib import Path

_PROCESSES = Path("/proc")


def processes_naming(prefix: str) -> dict[int, list[str]]:
    """Return the arguments of every living process that has ``prefix`` in them, by process id."""
    found = {}
    for process in _PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            line = (process / "cmdline").read_bytes()  # empty where it has ended and nobody took note
            if prefix.encode() in line:
                found[int(process.name)] = line.decode(errors="replace").rstrip("\0").split("\0")
    return found
