"""Finds the Triton server inside the nvidia-pytriton wheel, and checks that it can run here."""

import importlib.util
import platform
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from embedded_triton.errors import PythonUnsupportedError, UnsupportedPlatformError, WheelMissingError

_INSTALL = "Install the serving environment with `make run`, or `pip install nvidia-pytriton`."


@dataclass(frozen=True)
class Wheel:
    """The parts of the wheel that the embedded server needs, all checked to exist.

    Attributes:
        server: the ``tritonserver`` program.
        python_backend: the folder with ``libtriton_python.so``.
        stub: the process that runs a Python-based backend, for the running Python.
        library_path: folders for the loader, so that server and stub find their libraries.
        interpreter_folder: the folder whose ``python3`` tells the stub which environment it belongs to.
    """

    server: Path
    python_backend: Path
    stub: Path
    library_path: tuple[Path, ...]
    interpreter_folder: Path


def find_wheel() -> Wheel:
    """Find the wheel of the running Python's environment.

    Raises:
        UnsupportedPlatformError: not Linux on x86-64.
        WheelMissingError: the wheel is not installed, or not whole.
        PythonUnsupportedError: no backend stub for this Python, or its libpython is missing.
    """
    check_platform(sys.platform, platform.machine())
    specification = importlib.util.find_spec("pytriton")
    if specification is None or specification.origin is None:
        raise WheelMissingError("The nvidia-pytriton wheel, which carries tritonserver, is not installed.", _INSTALL)
    return inspect_wheel(
        Path(specification.origin).parent,
        minor=sys.version_info.minor,
        libpython_folders=_libpython_folders(),
        interpreter_folder=Path(sys.executable).parent,
    )


def check_platform(system: str, machine: str) -> None:
    """Raise UnsupportedPlatformError unless this is Linux on x86-64."""
    if system != "linux" or machine not in {"x86_64", "AMD64"}:
        raise UnsupportedPlatformError(
            f"The embedded Triton server runs on Linux x86-64 only; this is {system} on {machine}.",
            "Run `docker compose up` instead, or any Linux x86-64 machine.",
        )


def inspect_wheel(package: Path, *, minor: int, libpython_folders: list[Path], interpreter_folder: Path) -> Wheel:
    """Check the installed wheel for a Python 3.``minor``.

    Args:
        package: the folder of the ``pytriton`` package.
        minor: minor version of the Python that shall run the backends.
        libpython_folders: where that Python may keep its shared library.
        interpreter_folder: where its ``python3`` is.

    Raises:
        WheelMissingError: the wheel is not whole.
        PythonUnsupportedError: no stub for this Python, its libpython is missing, or its ``python3`` is.
    """
    root, libraries = package / "tritonserver", package.parent / "nvidia_pytriton.libs"
    server, python_backend = root / "bin" / "tritonserver", root / "backends" / "python"
    for path in (server, python_backend / "libtriton_python.so", libraries):
        if not path.exists():
            raise WheelMissingError(f"The nvidia-pytriton wheel is not whole: {path} is missing.", _INSTALL)
    stubs = root / "python_backend_stubs"
    stub = stubs / f"3.{minor}" / "triton_python_backend_stub"
    if not stub.exists():
        known = ", ".join(sorted((folder.name for folder in stubs.glob("3.*")), key=lambda name: int(name[2:])))
        raise PythonUnsupportedError(
            f"This is Python 3.{minor}, and nvidia-pytriton has no backend stub for it (it has {known}).",
            "Make the environment with Python 3.11, 3.12 or 3.13: `make run PYTHON=python3.12`.",
        )
    if not (interpreter_folder / "python3").exists():
        raise PythonUnsupportedError(
            f"{interpreter_folder} holds no python3, by which the backends find their environment.",
            "Run from a virtual environment: `make run` makes one.",
        )
    library_path = [libraries]
    # The stub for 3.13 links against a libpython that the wheel carries under a name of its own.
    if not any(libraries.glob(f"libpython3-*.{minor}.so*")):
        library_path.append(_require_libpython(minor, libpython_folders))
    return Wheel(server, python_backend, stub, tuple(library_path), interpreter_folder)


def _libpython_folders() -> list[Path]:
    library, multiarch = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("MULTIARCH")
    folders = [Path(library), Path(library, multiarch or "")] if library else []
    # Relocated builds, as uv installs them, may still name the folder that they were built for.
    return [*folders, Path(sys.base_prefix, "lib")]


def _require_libpython(minor: int, folders: list[Path]) -> Path:
    name = f"libpython3.{minor}.so.1.0"
    for folder in folders:
        if (folder / name).exists():
            return folder
    raise PythonUnsupportedError(
        f"{name} is not in {folders[0]}, and Triton's Python backends cannot start without it.",
        f"On Debian or Ubuntu: `apt install libpython3.{minor}`; with pyenv: reinstall Python with "
        f"PYTHON_CONFIGURE_OPTS=--enable-shared; or use a Python of uv: `uv python install 3.{minor}`.",
    )
