"""The folder of the backends."""

import os
from pathlib import Path

import pytest

from embedded_triton.errors import ServerStartError
from embedded_triton.install.backend_folder import prepare_backend_folder
from embedded_triton.install.wheel import Wheel


@pytest.fixture
def wheel(tmp_path: Path) -> Wheel:
    """What the folder is made of, with the library as the symbolic link that an installer may make of it."""
    backend = tmp_path / "wheel" / "python"
    backend.mkdir(parents=True)
    (tmp_path / "cache.so").write_text("library")
    (backend / "libtriton_python.so").symlink_to(tmp_path / "cache.so")
    stub = tmp_path / "wheel" / "triton_python_backend_stub"
    stub.write_text("stub")
    stub.chmod(0o755)
    return Wheel(Path("tritonserver"), backend, stub, (), Path("bin"))


def test_everything_is_copied_and_nothing_linked(tmp_path: Path, wheel: Wheel) -> None:
    folder = prepare_backend_folder(wheel, tmp_path / "backends")
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) == {
        *("python/libtriton_python.so", "python/triton_python_backend_stub"),
        *("dali/model.py", "pytorch/model.py"),
    }
    assert not [path for path in files.values() if path.is_symlink()]
    assert files["dali/model.py"].read_text().startswith("from embedded_triton.backends.dali.backend import")
    assert files["python/libtriton_python.so"].read_text() == "library"
    assert os.access(files["python/triton_python_backend_stub"], os.X_OK)


def test_a_place_where_nothing_may_run_is_named(tmp_path: Path, wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result((*real[:8], os.ST_NOEXEC, real[9])))
    with pytest.raises(ServerStartError, match=r"mounted noexec.*Set TMPDIR"):
        prepare_backend_folder(wheel, tmp_path / "backends")
