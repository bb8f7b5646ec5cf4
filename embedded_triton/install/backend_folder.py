"""Puts together the folder in which the server looks for its backends."""

import os
import shutil
from pathlib import Path

from embedded_triton.errors import ServerStartError
from embedded_triton.install.wheel import Wheel

#: This project's Python-based backends, a package each.
_BACKENDS = Path(__file__).resolve().parents[1] / "backends"
#: The folder that holds the package ``embedded_triton``, for the stub's ``PYTHONPATH``.
PACKAGES = _BACKENDS.parents[1]
#: What Triton asks of a backend's folder; the stub's process imports the rest as any other program does.
_MODEL = "from embedded_triton.backends.{name}.backend import TritonPythonModel as TritonPythonModel\n"


def prepare_backend_folder(wheel: Wheel, destination: Path) -> Path:
    """Copy the wheel's Python backend and the stub for this Python, and write the ``model.py`` of each backend.

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
    for module in _BACKENDS.glob("*/backend.py"):
        folder = destination / module.parent.name
        folder.mkdir()
        (folder / "model.py").write_text(_MODEL.format(name=folder.name), encoding="utf-8")
    return destination
