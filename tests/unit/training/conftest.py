"""Toy data, small recipes and weights for the tests of training."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.support.drawn_dataset import write_dataset
from tests.support.random_weights import write_random_weights
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, read_entries
from training.dataset.specification import Specification, load_specification
from training.train.recipes import Augmentation, Recipe, Stage


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Toy networks are so small that several threads mostly wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn data set of the six classes with its own splits."""
    return write_dataset(tmp_path_factory.mktemp("toy"), read_classes())


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Entry], list[Entry]]:
    """Training and validation entries of a drawn set with the classes cup and plate."""
    folder = write_dataset(tmp_path_factory.mktemp("two"), ("cup", "plate"), {"train": 16, "val": 8})
    return read_entries(folder, "train"), read_entries(folder, "val")


@pytest.fixture(scope="session")
def small() -> Specification:
    """The serving preprocessing, but for 32 pixels."""
    full = load_specification()
    return Specification(32, full.interpolation, full.antialias, full.mean, full.std)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """Four epochs of eight steps at 32 pixels, with a little of every augmentation."""
    return Recipe(
        batch_size=4,
        learning_rate=0.05,
        ema=0.5,
        mixed_precision=False,
        augmentation=Augmentation(
            min_area=0.7, quarter_turns=True, brightness=0.1, contrast=0.1, saturation=0.1, erase=0.1, cutmix=0.1
        ),
        stages=(Stage(epochs=4, size=32),),
    )


WriteModel = Callable[..., Path]


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Write random weights of a model type with a card beside them, and return their folder."""

    def write(model_type: str = "raw", *, folder: Path = tmp_path / "weights", seed: int = 0) -> Path:
        return write_random_weights(model_type, folder, seed=seed)

    return write
