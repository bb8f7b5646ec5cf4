"""Memory of a process and all of its descendants, from /proc."""

from pathlib import Path

from embedded_triton.process.process_table import family


def resident_bytes(pid: int) -> int:
    """Proportional set sizes: pages that several of the processes share are counted once."""
    return sum(_proportional(member) for member in family(pid))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
