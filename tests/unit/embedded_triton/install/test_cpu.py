"""What the CPU offers, told by files of the kernel."""

import os
from pathlib import Path

import pytest

from embedded_triton.install.cpu import choose_precision, usable_cores


@pytest.mark.parametrize(
    ("content", "cores"),
    [("max 100000", None), ("100000 100000", 1), ("150000 100000", 2), ("10000 100000", 1), ("nonsense", None)],
)
def test_a_container_s_limit_counts(
    tmp_path: Path, content: str, cores: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {*range(8)})
    (tmp_path / "cpu.max").write_text(content)
    assert usable_cores(tmp_path / "cpu.max") == (cores or 8)
    assert usable_cores(tmp_path / "missing") == 8


@pytest.mark.parametrize(
    ("wanted", "flags", "precision", "reason"),
    [
        ("auto", "fpu avx512f avx512_bf16", "bfloat16", "AVX512-BF16"),
        ("auto", "avx512_bf16 amx_bf16 amx_tile", "bfloat16", "AMX-BF16"),
        ("bfloat16", "amx_bf16", "bfloat16", "AMX-BF16"),
        ("auto", "fpu avx2 avx512f avx512_vnni", "float32", "no instructions for bfloat16"),
        ("bfloat16", "fpu avx2", "float32", "no instructions for bfloat16"),
        ("float32", "avx512_bf16", "float32", "asked for"),
        ("auto", "", "float32", "no instructions for bfloat16"),
    ],
)
def test_bfloat16_is_for_cpus_that_multiply_it(
    tmp_path: Path, wanted: str, flags: str, precision: str, reason: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n")
    found, why = choose_precision(wanted, tmp_path / "cpuinfo")
    assert (found, reason in why) == (precision, True)


def test_without_the_kernel_s_file_it_is_float32(tmp_path: Path) -> None:
    assert choose_precision("auto", tmp_path / "missing")[0] == "float32"
