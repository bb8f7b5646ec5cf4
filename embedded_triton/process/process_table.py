"""Processes as /proc lists them: of a server, by the prefix of its segments, and of a family."""

from pathlib import Path

_PROCESSES = Path("/proc")


def processes_naming(prefix: str) -> dict[int, list[str]]:
    """Return the arguments of every running process that has ``prefix`` in them, by process id."""
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


def family(pid: int) -> set[int]:
    """Return the process ids of ``pid`` and of all processes that descend from it."""
    parents: dict[int, int] = {}
    for status in _PROCESSES.glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold any bytes; the parent is the second field behind it.
            parents[int(status.parent.name)] = int(status.read_bytes().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while True:
        children = {child for child, parent in parents.items() if parent in found} - found
        if not children:
            return found
        found |= children
