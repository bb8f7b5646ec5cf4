"""What a run draws from."""

from pathlib import Path

import torch

from training.dataset.classes import read_classes
from training.dataset.entries import load_pixels, read_entries
from training.train.recipes import Recipe, Stage, Views
from training.train.training_set import load_training_set, sets_without_photos


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


def test_sets_that_a_recipe_names_and_no_photo_is_of_are_said(toy: Path) -> None:
    entries = read_entries(toy, "val")
    views = Views(count=1, size=32, cut_out=(toy.name, "elsewhere"), surroundings=("elsewhere", "street"))
    recipe = Recipe(learning_rate=0.1, stages=(Stage(epochs=1, size=32),), views=views)
    assert sets_without_photos(recipe, entries).endswith("not among the photos: elsewhere, street")
    known = recipe.model_copy(update={"views": views.model_copy(update={"cut_out": (toy.name,), "surroundings": ()})})
    assert sets_without_photos(known, entries) == ""
