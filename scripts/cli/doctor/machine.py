"""The machine: operating system, CPU, memory, disk, shared memory."""

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from scripts.cli.doctor.finding import Finding, good, note, problem

_GIB = 1024**3
_LEAST_GLIBC = (2, 35)
# An environment with CUDA takes 7 GB on the disk, the downloads 3 GB more (seen on 2026-11-23).
_NEEDED_DISK = 10 * _GIB
_NEEDED_MEMORY = 4 * _GIB
# Each of the server's backend processes holds a segment of 1 MB, and more while large batches pass.
_NEEDED_SHARED = 256 * 1024**2


def check_machine(folder: Path) -> Iterator[Finding]:
    """Look at the machine, and at the disk that `folder` is on."""
    yield system(platform.system(), platform.machine(), platform.libc_ver())
    yield _cores(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    yield from _precision()
    yield from _memory()
    free = shutil.disk_usage(folder).free
    text = f"{free / _GIB:.1f} GiB free for {folder}"
    if (folder / ".venv").exists() or free >= _NEEDED_DISK:
        yield good("disk", text)
    else:
        yield problem("disk", text, "Free 10 GiB, or take PyTorch's CPU build, 3 GiB: `make run TORCH=cpu`.")
    shared = Path("/dev/shm")  # noqa: S108 - looked at, not written to
    if shared.is_dir():
        yield shared_memory(shutil.disk_usage(shared).free)


def system(name: str, machine: str, libc: tuple[str, str]) -> Finding:
    """Judge the operating system and the C library, as `platform` names them."""
    text = f"{name} on {machine}, {' '.join(libc).strip() or 'unknown C library'}"
    if (name, machine) != ("Linux", "x86_64"):
        return problem(
            "system",
            text,
            "The server's wheel runs on Linux x86-64 only: use `docker compose up`, WSL 2 or a Linux machine. "
            "`bin-it-right classify --server …` works from here.",
        )
    library, version = libc
    if library != "glibc":
        return problem("system", text, "The wheels need glibc: use Debian 12, Ubuntu 22.04 or newer.")
    if tuple(map(int, version.split(".")[:2])) < _LEAST_GLIBC:
        return problem("system", text, "The server's wheel needs glibc 2.35: use Debian 12, Ubuntu 22.04 or newer.")
    return good("system", text)


def _cores(count: int) -> Finding:
    return good("CPU", f"{count} core{'s' if count > 1 else ''} for this process")


def _precision() -> Iterator[Finding]:
    """Say in which precision a CPU would compute, and why."""
    try:
        from embedded_triton.install.cpu import choose_precision
        from embedded_triton.settings import Settings

        precision, reason = choose_precision(Settings().cpu_precision)
    except (ImportError, ValueError):  # what is missing or wrong is another check's to say
        return
    yield good("precision", f"{precision} on a CPU: {reason}")


def _memory() -> Iterator[Finding]:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    values = dict(line.split(":", 1) for line in lines)
    available = int(values["MemAvailable"].split()[0]) * 1024
    text = f"{available / _GIB:.1f} GiB available"
    if available < _NEEDED_MEMORY:
        yield note("memory", text, "Serving both models takes about 4 GiB: close other programs.")
    else:
        yield good("memory", text)


def shared_memory(free: int) -> Finding:
    """Judge the bytes that are free in /dev/shm."""
    text = f"{free / 1024**2:.0f} MiB free in /dev/shm"
    if free < _NEEDED_SHARED:
        return problem("shared memory", text, "In Docker: `--shm-size=1g`. Else remove what stale servers left there.")
    return good("shared memory", text)
