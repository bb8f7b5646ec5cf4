"""Puts together the folder in which the server looks for its backends."""

import shutil
from pathlib import Path

from embedded_triton.wheel import Wheel

#: This project's Python-based backends, a folder each.
SOURCE = Path(__file__).resolve().parent / "backends"


def prepare_backend_folder(wheel: Wheel, destination: Path) -> Path:
    """Copy the wheel's Python backend, the stub for this Python and the project's own backends into ``destination``.

    The server refuses backend libraries that are symbolic links out of the folder, so these are copies (3 MB).

    Args:
        wheel: the checked wheel.
        destination: a folder that does not exist yet.

    Returns:
        ``destination``, for ``--backend-directory``.
    """
    python = destination / "python"
    shutil.copytree(wheel.python_backend, python)
    shutil.copy2(wheel.stub, python)
    shutil.copytree(SOURCE, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return destination
