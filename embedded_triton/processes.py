"""The processes of a server, known by the prefix of its segments: one of their arguments, and no other program's."""

from pathlib import Path

_PROCESSES = Path("/proc")


def processes_naming(prefix: str) -> dict[int, list[str]]:
    """Return the arguments of every living process that has ``prefix`` in them, by process id."""
    found = {}
    for process in _PROCESSES.glob("[0-9]*"):
        words = arguments_of(int(process.name))
        if any(prefix in word for word in words):
            found[int(process.name)] = words
    return found


def arguments_of(process: int) -> list[str]:
    """Return the arguments of a process; none where it has ended, also where nobody took note yet, or is hidden."""
    try:
        line = (_PROCESSES / str(process) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    return line.decode(errors="replace").rstrip("\0").split("\0") if line else []
