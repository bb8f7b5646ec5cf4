"""Puts together the folder in which the server looks for its backends."""

import os
import shutil
from pathlib import Path

from embedded_triton.errors import ServerStartError
from embedded_triton.install.wheel import Wheel

#: This project's Python-based backends, a folder each, and the modules that all of them use.
SOURCE = Path(__file__).resolve().parents[1] / "backends"


def prepare_backend_folder(wheel: Wheel, destination: Path) -> Path:
    """Copy the wheel's Python backend, the stub for this Python and the project's own backends into ``destination``.

    The server refuses backend libraries that are symbolic links out of the folder, so these are copies (3 MB).

    Args:
        wheel: the checked wheel.
        destination: a folder that does not exist yet.

    Returns:
        ``destination``, for ``--backend-directory``.

    Raises:
        ServerStartError: the folder lies where nothing can be run, as in a container's tmpfs by default.
    """
    if os.statvfs(destination.parent).f_flag & os.ST_NOEXEC:
        raise ServerStartError(
            f"{destination.parent} is mounted noexec, and Triton's backends run from there.",
            "Set TMPDIR to another folder, or mount this one with exec (`--tmpfs /tmp:exec`).",
        )
    python = destination / "python"
    shutil.copytree(wheel.python_backend, python)
    shutil.copy2(wheel.stub, python)
    # A backend finds nothing but what lies in its own folder.
    shared = [*SOURCE.glob("*.py")]
    for backend in (folder for folder in SOURCE.iterdir() if (folder / "model.py").is_file()):
        shutil.copytree(backend, destination / backend.name, ignore=shutil.ignore_patterns("__pycache__"))
        for module in shared:
            shutil.copy2(module, destination / backend.name)
    return destination
