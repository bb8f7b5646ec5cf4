"""Toy data, small recipes and weights for the tests of training."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.support.drawn_dataset import write_dataset
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, read_entries
from training.dataset.specification import Specification, load_specification
from training.evaluate.card import Calibration, ModelCard, sha256, weights_path, write_card
from training.models.build import build_network
from training.train.checkpoints import save_weights
from training.train.recipes import Augmentation, Recipe, Stage


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Toy networks are so small that several threads mostly wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn data set of the six classes with its own lists."""
    return write_dataset(tmp_path_factory.mktemp("toy"), read_classes())


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Entry], list[Entry]]:
    """Training and validation entries of a drawn set with the classes cup and plate."""
    folder = write_dataset(tmp_path_factory.mktemp("two"), ("cup", "plate"), {"train": 16, "val": 8})
    return read_entries(folder, "train"), read_entries(folder, "val")


@pytest.fixture
def small() -> Specification:
    """The serving preprocessing, but for 32 pixels."""
    full = load_specification()
    return Specification(32, full.interpolation, full.antialias, full.mean, full.std)


@pytest.fixture
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
        classes, specification = read_classes(), load_specification()
        torch.manual_seed(seed)
        network = build_network(model_type, len(classes))
        save_weights(network, weights_path(model_type, folder), half=True)
        card = ModelCard(
            model_type=model_type,
            classes=classes,
            weights_sha256=sha256(weights_path(model_type, folder)),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            preprocessing=vars(specification),
            date="2026-11-23",
            training={"initialisation": "random"},
            calibration=Calibration(temperature=1.5, confidence_threshold=0.4),
            metrics={},
        )
        write_card(card, folder)
        return folder

    return write
