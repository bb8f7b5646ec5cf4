"""What a run draws from."""

from pathlib import Path

import torch

from training.dataset.classes import read_classes
from training.dataset.entries import load_pixels, read_entries
from training.train.recipes import Recipe, Stage
from training.train.training_set import load_training_set


def test_resizing_a_set_keeps_its_targets_and_its_look(toy: Path, tmp_path: Path) -> None:
    entries = read_entries(toy, "val")
    recipe = Recipe(learning_rate=0.1, stages=(Stage(epochs=1, size=32),))
    photos = load_training_set(entries, read_classes(), recipe, tmp_path, size=64, general=None)
    smaller = photos.resized(32)
    assert smaller.pictures.shape == (len(entries), 1, 3, 32, 32)
    assert smaller.targets is photos.targets
    assert photos.resized(64) is photos
    direct = load_pixels(entries, 32)
    assert float((smaller.pictures[:, 0].float() - direct.float()).abs().mean()) < 4
    torch.testing.assert_close(smaller.weights, photos.weights)
