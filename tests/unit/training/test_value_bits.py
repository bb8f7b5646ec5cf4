"""How many bits a value may use, by what the kernel says of the processor."""

from pathlib import Path

import pytest

from training.value_bits import value_bits


@pytest.mark.parametrize(
    ("flags", "bits"), [("fpu avx2 avx512_vnni", 8), ("fpu avx2 avx_vnni", 7), ("fpu avx2 avx512f", 7), (None, 7)]
)
def test_all_bits_only_where_sums_do_not_overflow(tmp_path: Path, flags: str | None, bits: int) -> None:
    file = tmp_path / "cpuinfo"
    if flags:
        file.write_text(f"processor\t: 0\nmodel name\t: A processor\nflags\t\t: {flags}\n")
    assert value_bits(file) == bits
