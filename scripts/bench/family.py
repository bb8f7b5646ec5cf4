"""A process and all of its descendants, from /proc."""

from pathlib import Path


def family(pid: int) -> set[int]:
    """Return the process ids of ``pid`` and of all processes that descend from it."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold anything; the parent is the second field behind it.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while True:
        children = {child for child, parent in parents.items() if parent in found} - found
        if not children:
            return found
        found |= children
