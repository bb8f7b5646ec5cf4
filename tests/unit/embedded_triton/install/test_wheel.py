"""Finding the server in the wheel, and saying what is missing."""

import importlib.util
import platform
import sys
from pathlib import Path

import pytest

from embedded_triton.errors import PythonUnsupportedError, UnsupportedPlatformError, WheelMissingError
from embedded_triton.install.wheel import Wheel, check_platform, find_wheel, inspect_wheel


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    """An installed wheel as far as files go, with stubs for Python 3.11 and 3.13, and a Python beside it."""
    for name in (
        "site/pytriton/tritonserver/bin/tritonserver",
        "site/pytriton/tritonserver/backends/python/libtriton_python.so",
        "site/pytriton/tritonserver/python_backend_stubs/3.11/triton_python_backend_stub",
        "site/pytriton/tritonserver/python_backend_stubs/3.13/triton_python_backend_stub",
        "site/nvidia_pytriton.libs/libpython3-419a3a08.13.so.1.0",
        "python/lib/libpython3.11.so.1.0",
        "venv/bin/python3",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def inspect(root: Path, minor: int = 11, folders: tuple[str, ...] = ("python/lib",)) -> Wheel:
    return inspect_wheel(
        root / "site" / "pytriton",
        minor=minor,
        libpython_folders=[root / folder for folder in folders],
        interpreter_folder=root / "venv" / "bin",
    )


def test_the_loader_finds_the_libraries_and_this_pythons_own(site_packages: Path) -> None:
    found = inspect(site_packages, folders=("nowhere", "python/lib"))
    assert found.library_path == (site_packages / "site" / "nvidia_pytriton.libs", site_packages / "python" / "lib")
    assert found.stub.parent.name == "3.11"


def test_a_libpython_that_the_wheel_carries_need_not_be_installed(site_packages: Path) -> None:
    assert inspect(site_packages, minor=13).library_path == (site_packages / "site" / "nvidia_pytriton.libs",)


def test_a_missing_libpython_names_the_package_to_install(site_packages: Path) -> None:
    (site_packages / "python/lib/libpython3.11.so.1.0").unlink()
    with pytest.raises(PythonUnsupportedError, match=r"libpython3\.11\.so\.1\.0 .*apt install libpython3\.11"):
        inspect(site_packages)


def test_a_python_without_a_stub_is_told_which_have_one(site_packages: Path) -> None:
    with pytest.raises(PythonUnsupportedError, match=r"Python 3\.14.*3\.11, 3\.13.*make run PYTHON="):
        inspect(site_packages, minor=14)


@pytest.mark.parametrize("part", ["pytriton/tritonserver/bin/tritonserver", "nvidia_pytriton.libs"])
def test_a_wheel_that_is_not_whole_names_the_part(site_packages: Path, part: str) -> None:
    (site_packages / "site" / part).rename(site_packages / "gone")
    with pytest.raises(WheelMissingError, match=part):
        inspect(site_packages)


def test_an_environment_without_python3_is_refused(site_packages: Path) -> None:
    (site_packages / "venv/bin/python3").unlink()
    with pytest.raises(PythonUnsupportedError, match="no python3"):
        inspect(site_packages)


def test_no_wheel_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(WheelMissingError, match=r"nvidia-pytriton .* not installed"):
        find_wheel()


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("linux", "aarch64"), ("win32", "AMD64")])
def test_other_platforms_are_sent_to_docker(system: str, machine: str) -> None:
    with pytest.raises(UnsupportedPlatformError, match=f"{system} on {machine}.*docker compose up"):
        check_platform(system, machine)
