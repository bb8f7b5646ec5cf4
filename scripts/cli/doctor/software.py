"""The software: Python, the server's wheel with its stub and libpython, the packages and their versions."""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from scripts.cli.doctor.finding import Finding, good, note, problem

_SUPPORTED = ((3, 11), (3, 12), (3, 13))
_SERVING = ("nvidia-pytriton", "nvidia-dali-cuda130", "openvino", "torch", "tritonclient", "fastapi", "numpy")
_TRAINING = ("torchvision", "scikit-learn", "matplotlib")


def check_software() -> Iterator[Finding]:
    """Look at the running Python and its environment."""
    yield python(sys.version_info[:2])
    yield _wheel()
    yield packages("serving", _SERVING, "`make run` installs it.")
    yield packages("training", _TRAINING, "`make dev` installs it.")


def python(version: tuple[int, int]) -> Finding:
    """Judge the running Python, major and minor."""
    text = f"{platform.python_version()} at {sys.executable}"
    if version in _SUPPORTED:
        return good("Python", text)
    return problem("Python", text, "Take 3.11, 3.12 or 3.13: `make run PYTHON=python3.12`.")


def _wheel() -> Finding:
    try:
        from embedded_triton.errors import EmbeddedTritonError
        from embedded_triton.install.wheel import find_wheel
    except ImportError as exc:
        return problem("Triton", f"{exc.name} is missing", "`make run` installs it.")
    try:
        wheel = find_wheel()
    except EmbeddedTritonError as exc:
        return problem("Triton", exc.problem, exc.remedy)
    libraries = ", ".join(map(str, wheel.library_path))
    return good(
        "Triton", f"the server and its backend stub for Python {wheel.stub.parent.name}; libraries from {libraries}"
    )


def packages(purpose: str, names: tuple[str, ...], remedy: str) -> Finding:
    """List the versions of the packages that a purpose needs."""
    versions, missing = [], []
    for name in names:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return note(f"for {purpose}", f"{', '.join(missing)} missing", remedy)
    return good(f"for {purpose}", ", ".join(versions))
