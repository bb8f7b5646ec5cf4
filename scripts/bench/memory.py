"""Memory of a process and all of its descendants, from /proc."""

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Proportional set sizes: pages that several of the processes share are counted once."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold anything; the parent is the second field behind it.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {pid}
    while True:
        children = {child for child, parent in parents.items() if parent in family} - family
        if not children:
            return sum(_proportional(member) for member in family)
        family |= children


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
