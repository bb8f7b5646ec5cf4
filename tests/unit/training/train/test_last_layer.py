"""The last layer alone: what stays, how far the new one goes, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.unit.training.train.conftest import CLASSES, Entries, Trained
from training.dataset.entries import PhotoSet
from training.dataset.specification import Specification
from training.evaluate.threshold import read_threshold_predictions
from training.train import last_layer
from training.train.last_layer import train_last_layer
from training.train.recipes import Recipe, Stage
from training.train.run import RunData, RunStart


@pytest.fixture
def data(two_classes: Entries, small: Specification) -> RunData:
    train, val = two_classes
    elsewhere = [replace(entry, place="street") for entry in train[:4]]
    none = [replace(entry, label="", place="street") for entry in train[4:6]]
    return RunData([*train, *elsewhere, *none], val, CLASSES, small)


@pytest.fixture
def once(recipe: Recipe) -> Recipe:
    stages = (Stage(epochs=3, size=32, train="head"),)
    return recipe.model_copy(update={"stages": stages, "features_once": True, "learning_rate": 1e-2})


def test_only_the_last_layer_changes_and_validation_is_no_worse(
    trained: Trained, data: RunData, once: Recipe, tmp_path: Path
) -> None:
    before = load_file(trained.result.weights)
    result = train_last_layer("raw", data, once, tmp_path, RunStart(dict(before)))
    after = load_file(result.weights)
    assert not torch.equal(after["fc.weight"], before["fc.weight"])
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items() if not name.startswith("fc."))
    assert result.best["val_accuracy"] >= trained.result.best["val_accuracy"]
    assert 0 < json.loads((tmp_path / "run.json").read_text())["share_of_new_layer"] <= 1
    left_out = read_threshold_predictions(tmp_path / last_layer.LEFT_OUT, 0.8)
    assert left_out.places == ("street",) * 4  # neither home nor what shows none of the classes
    assert left_out.correct.mean() >= 0.75
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + once.epochs


def test_a_run_is_not_overwritten_unless_asked(trained: Trained, data: RunData, once: Recipe, tmp_path: Path) -> None:
    start = RunStart(dict(load_file(trained.result.weights)))
    first = train_last_layer("raw", data, once, tmp_path, start)
    with pytest.raises(ValueError, match="holds a run already: say --resume"):
        train_last_layer("raw", data, once, tmp_path, start)
    again = train_last_layer("raw", data, once, tmp_path, replace(start, resume=True))
    assert again.best == first.best


def test_it_needs_weights_to_start_from(data: RunData, once: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="say --init FILE"):
        train_last_layer("raw", data, once, tmp_path)


def layer(weight: list[list[float]]) -> nn.Linear:
    made = nn.Linear(2, 2)
    made.weight.data = torch.tensor(weight)
    made.bias.data.zero_()
    return made


@pytest.mark.parametrize(("limit", "expected"), [(1.0, 0.5), (0.2, 0.2)])
def test_the_new_layer_is_believed_as_far_as_validation_and_recipe_allow(limit: float, expected: float) -> None:
    old, new = layer([[1.0, 0.0], [0.0, 1.0]]), layer([[1.0, 0.0], [0.0, -1.0]])
    # The second photo turns wrong once the second class's weight is below zero: past the middle of the line.
    photos = PhotoSet(torch.tensor([[1.0, 0.0], [-0.0001, 1.0]]), torch.tensor([0, 1]), ("a", "b"), CLASSES)
    share, row = last_layer._furthest(old, new, photos, limit)
    assert share == expected
    assert row["val_accuracy"] == 1


def test_a_layer_that_is_worse_all_the_way_is_refused() -> None:
    old, new = layer([[1.0, 0.0], [0.0, 1.0]]), layer([[-99.0, 0.0], [0.0, -99.0]])
    photos = PhotoSet(torch.eye(2), torch.tensor([0, 1]), ("a", "b"), CLASSES)
    with pytest.raises(ValueError, match="nothing was written"):
        last_layer._furthest(old, new, photos, 1.0)


@pytest.mark.parametrize("stages", [[{"size": 32, "epochs": 1}], [{"size": 32, "epochs": 1, "train": "all"}]])
def test_a_recipe_that_trains_more_than_the_last_layer_is_refused(stages: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="features_once needs stages with train"):
        Recipe.model_validate({"learning_rate": 0.1, "features_once": True, "stages": stages})
