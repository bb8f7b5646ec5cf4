"""The GPU and its driver, and what PyTorch and DALI make of them."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

from scripts.cli.doctor.finding import Finding, good, note, problem

_DRIVER = Path("/proc/driver/nvidia/version")
_QUERY = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")


def check_accelerator() -> Iterator[Finding]:
    """Look for a GPU; without one everything runs on the CPU."""
    gpus = _gpus()
    if gpus:
        yield good("GPU", "; ".join(gpus))
    elif _DRIVER.exists():
        yield problem("GPU", "the driver is loaded, but names no GPU", "Run `nvidia-smi`: its message says why.")
    else:
        yield note("GPU", "none found: the models run on the CPU")
    yield torch_on(has_gpu=bool(gpus))
    yield _dali(bool(gpus))


def _gpus() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    result = subprocess.run([program, *_QUERY], capture_output=True, text=True, timeout=30, check=False)
    return result.stdout.strip().splitlines() if result.returncode == 0 else []


def torch_on(*, has_gpu: bool) -> Finding:
    """Judge PyTorch, and whether it uses the GPU where there is one."""
    try:
        import torch
    except ImportError:
        return problem("PyTorch", "not installed", "`make run` installs it.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        works = torch.cuda.is_available()
    version = torch.__version__
    if works:
        return good("PyTorch", f"{version}, on {torch.cuda.get_device_name()}")
    if not has_gpu:
        return good("PyTorch", f"{version}, on the CPU")
    if torch.version.cuda is None:
        return note("PyTorch", f"{version} is the CPU build: the GPU is not used", "`make run TORCH=cuda`")
    reason = str(caught[-1].message).splitlines()[0] if caught else "it does not say why"
    return problem(
        "PyTorch", f"{version} cannot use the GPU: {reason}", f"Install a driver for CUDA {torch.version.cuda}."
    )


def _dali(has_gpu: bool) -> Finding:
    try:
        import nvidia.dali
        from nvidia.dali import backend
    except (ImportError, OSError) as exc:
        return problem("DALI", f"cannot be loaded: {exc}", "`make run` installs it.")
    version = nvidia.dali.__version__
    if backend.GetCUDADeviceCount() > 0:  # type: ignore[attr-defined]
        return good("DALI", f"{version}, decodes on the GPU")
    if has_gpu:
        return problem(
            "DALI", f"{version} does not see the GPU", "Install a driver for CUDA 13, or the CUDA 12 wheel of DALI."
        )
    return good("DALI", f"{version}, decodes on the CPU")
