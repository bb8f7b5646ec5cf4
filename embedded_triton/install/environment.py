"""The environment variables that the server and its backends run with."""

import os
from collections.abc import Mapping
from pathlib import Path

from embedded_triton.settings import Settings


def server_environment(
    inherited: Mapping[str, str],
    *,
    library_path: tuple[Path, ...],
    interpreter_folder: Path,
    packages: Path,
    settings: Settings,
) -> dict[str, str]:
    """Return ``inherited`` with what the server's loader and its backends need.

    Args:
        inherited: the environment of the process that starts the server.
        library_path: folders where the loader looks first.
        interpreter_folder: the folder whose ``python3`` tells the backends their environment.
        packages: the folder from which the backends import ``embedded_triton``.
        settings: what of them the backends need.
    """
    # PYTHONHOME, PYTHONPATH and their like are meant for this process; the stub embeds an interpreter of its own.
    environment = {key: value for key, value in inherited.items() if not key.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(packages)
    earlier = [inherited["LD_LIBRARY_PATH"]] if inherited.get("LD_LIBRARY_PATH") else []
    environment["LD_LIBRARY_PATH"] = os.pathsep.join([*map(str, library_path), *earlier])
    environment["PATH"] = os.pathsep.join([str(interpreter_folder), inherited.get("PATH", os.defpath)])
    # OpenMP threads that spin while they wait take the cores from the other backend processes: half the throughput. For
    # a moment, from one layer to the next, they may: a photo that comes alone then saves a sixth of its time.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environment.setdefault("GOMP_SPINCOUNT", "3000")
    # The model repository may be read-only, and Python shall not write compiled files into it where it is not.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    # DALI's OpenCV writes its own faults and the image's to the log; the answer to the request has the reason.
    environment.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    environment["EMBEDDED_TRITON_CPU_PRECISION"] = settings.cpu_precision
    environment["EMBEDDED_TRITON_CACHE_FOLDER"] = str(settings.cache_folder or "")
    return environment
