"""Which tuning profile fits this machine: told by its GPUs as the driver lists them, else by its cores."""

import os
from collections.abc import Sequence
from pathlib import Path

from embedded_triton.errors import RepositoryError
from embedded_triton.install.cpu import usable_cores

#: The driver's list, readable without any library and in containers too.
_DRIVER = Path("/proc/driver/nvidia/gpus")
_DEVICES = Path("/dev")
_LARGE_GPUS = ("H100", "H200", "GH200", "A100", "B100", "B200", "GB200")
_MANY_CORES = 12


def gpus_are_hidden() -> bool:
    """Say whether the environment hides every GPU from CUDA."""
    return os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}


def gpu_count(devices: Path = _DEVICES) -> int:
    """Return how many GPUs the driver offers; none where the environment hides them all."""
    return 0 if gpus_are_hidden() else len(list(devices.glob("nvidia[0-9]*")))


def gpu_names(driver: Path = _DRIVER) -> list[str]:
    """Return the name of each GPU, such as ``NVIDIA L4``; none without an NVIDIA driver, or where all are hidden."""
    names: list[str] = []
    if gpus_are_hidden():
        return names
    for file in sorted(driver.glob("*/information")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names


def fitting_profile(gpus: Sequence[str], cores: int) -> str | None:
    """Return the name of the profile for a machine; None stands for the configurations as they are, for few cores."""
    if gpus:
        return "h100" if all(any(large in name for large in _LARGE_GPUS) for name in gpus) else "l4"
    return "cpu-16" if cores >= _MANY_CORES else None


def choose_profile(wanted: str, model_repository: Path) -> str | None:
    """Return the profile that Triton is to take from the repository, None for the configurations as they are.

    Args:
        wanted: ``auto``, ``default``, or the name of a profile.
        model_repository: its models have ``configs/NAME.pbtxt`` for each profile; a repository without any is served
            as it is.

    Raises:
        RepositoryError: a profile was named that the repository does not have.
    """
    known = {file.stem for file in model_repository.glob("*/configs/*.pbtxt")}
    if wanted == "default":
        return None
    if wanted == "auto":
        fitting = fitting_profile(gpu_names(), usable_cores())
        return fitting if fitting in known else None
    if wanted not in known:
        raise RepositoryError(
            f"{model_repository} has no tuning profile {wanted!r}.",
            f"Take one of {', '.join(['auto', 'default', *sorted(known)])}.",
        )
    return wanted
