"""How many of its 8 bits a value may use on this processor; told without importing torch."""

from pathlib import Path


def value_bits(cpuinfo: Path = Path("/proc/cpuinfo")) -> int:
    """Return 8 where products of 8 bits are added up in 32 (AVX512-VNNI), else 7: sums in 16 bits would overflow."""
    try:
        flags = cpuinfo.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return 7
    return 8 if "avx512_vnni" in flags else 7
