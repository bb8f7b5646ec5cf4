"""What several tests of the embedded server need."""

import shutil
import zipfile
from pathlib import Path

import pytest

COMMITTED = Path(__file__).resolve().parents[3] / "model_repository"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The committed repository with something in place of the exports; nothing here loads them."""
    copy = tmp_path / "model_repository"
    shutil.copytree(COMMITTED, copy, ignore=shutil.ignore_patterns("model*.pt"))
    for network in ("raw_cnn", "resnet50"):
        with zipfile.ZipFile(copy / network / "1" / "model.pt", "w") as archive:
            archive.writestr("model/data/0", b"weights")
    return copy
