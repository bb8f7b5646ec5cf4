"""What this machine's CPU offers: cores, and instructions for bfloat16."""

import math
import os
from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16"]

_CPUINFO = Path("/proc/cpuinfo")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
#: Instructions that multiply bfloat16, by the names that /proc/cpuinfo has for them; the faster ones first.
_BFLOAT16 = ("amx_bf16", "avx512_bf16")


def usable_cores(quota: Path = _QUOTA) -> int:
    """Return how many cores this process may use, by its affinity and by the limit of its container."""
    cores = len(os.sched_getaffinity(0))
    try:
        limit, period = quota.read_text(encoding="ascii").split()
        return max(1, min(cores, math.ceil(int(limit) / int(period))))
    except (OSError, ValueError):  # no such file, or no limit: the word "max"
        return cores


def choose_precision(wanted: str, cpuinfo: Path = _CPUINFO) -> tuple[Precision, str]:
    """Return the precision in which a network computes on this CPU, and why.

    Args:
        wanted: ``auto``, ``float32`` or ``bfloat16``.
        cpuinfo: what the kernel says of the CPU.
    """
    if wanted == "float32":
        return "float32", "it was asked for"
    flags = _flags(cpuinfo)
    native = next((name for name in _BFLOAT16 if name in flags), None)
    if native is None:
        return "float32", "the CPU has no instructions for bfloat16 (AMX-BF16 or AVX512-BF16)"
    return "bfloat16", f"the CPU multiplies it natively ({native.upper().replace('_', '-')})"


def _flags(cpuinfo: Path) -> frozenset[str]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), []))
