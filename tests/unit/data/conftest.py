"""A drawn TrashNet: the layout of the real one with few photos."""

import shutil
from pathlib import Path

import pytest

from tests.support.drawn_dataset import SPLIT_SIZES, write_dataset
from training.dataset.entries import OFFICIAL_ORDER

TOTAL = sum(SPLIT_SIZES.values())


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of the six classes with splits that number them, as TrashNet's do."""
    labels = {name: str(place + 1) for place, name in enumerate(OFFICIAL_ORDER)}
    return write_dataset(tmp_path_factory.mktemp("drawn"), OFFICIAL_ORDER, labels=labels)


@pytest.fixture
def source(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the drawn photos that a test may spoil, wrapped as Kaggle wraps the real ones."""
    folder = tmp_path / "source" / "Garbage classification" / "Garbage classification"
    shutil.copytree(drawn / "images", folder)
    return tmp_path / "source"


@pytest.fixture
def counts() -> dict[str, int]:
    return dict.fromkeys(OFFICIAL_ORDER, TOTAL)
