"""A training run learns, leaves what it says, and repeats itself for a seed."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training.train.conftest import CLASSES, Entries, Train, Trained, same_weights
from training.dataset.entries import load_photos
from training.dataset.specification import Specification
from training.models.build import build_network
from training.train.checkpoints import load_weights
from training.train.engine import predict_logits
from training.train.recipes import Recipe, Stage, Views
from training.train.run import RunData


def test_it_learns_two_drawn_classes(trained: Trained, two_classes: Entries, small: Specification) -> None:
    result = trained.result
    assert result.epochs_done == 4
    assert not result.interrupted
    network = build_network("raw", 2)
    load_weights(network, result.weights)
    photos = load_photos(two_classes[1], CLASSES, small.size)
    accuracy = float((predict_logits(network, photos.pixels, small).argmax(dim=1) == photos.labels).float().mean())
    assert accuracy == result.best["val_accuracy"] >= 0.9


def test_what_a_run_leaves_says_how_it_was_made(trained: Trained) -> None:
    record = json.loads((trained.folder / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "bin-it-right train"
    assert (record["provider"], record["torch"]) == ("pytorch", torch.__version__)
    assert Recipe.model_validate(record["recipe"]) == trained.recipe
    with (trained.folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert (trained.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_decides_the_run(run: Train, short: Trained, tmp_path: Path) -> None:
    again = run(tmp_path / "again", recipe=short.recipe)
    other = run(tmp_path / "other", recipe=short.recipe.model_copy(update={"seed": 2}))
    assert same_weights(short.result.weights, again.weights)
    assert not same_weights(short.result.weights, other.weights)


def test_the_last_epoch_is_kept_where_the_recipe_says_so(
    run: Train, short: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def best_was_the_first(row: dict[str, float]) -> tuple[float, float]:
        return -row["epoch"], 0.0

    monkeypatch.setattr("training.train.run._rank", best_was_the_first)
    best = run(tmp_path / "best", recipe=short.recipe.with_epochs(2))
    last = run(tmp_path / "last", recipe=short.recipe.with_epochs(2).model_copy(update={"keep": "last"}))
    assert (best.best["epoch"], last.best["epoch"]) == (1, 2)
    assert not same_weights(best.weights, last.weights)


def test_a_batch_fits_itself_to_few_photos(
    run: Train, short: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(tmp_path, recipe=short.recipe.model_copy(update={"batch_size": 64}))
    assert result.epochs_done == 1
    assert "batches of 32: there are too few photos for 64" in capsys.readouterr().out


def test_a_head_stage_leaves_all_other_layers_as_the_weights_that_it_starts_from(
    run: Train, recipe: Recipe, tmp_path: Path
) -> None:
    torch.manual_seed(77)
    initial = build_network("raw", 200).state_dict()  # the head of a set with other classes does not fit, and stays out
    torch.manual_seed(recipe.seed)
    head = build_network("raw", 2).state_dict()["fc.weight"]
    head_only = recipe.model_copy(update={"stages": (Stage(epochs=1, size=32, train="head"),)})
    trained = load_file(run(tmp_path, recipe=head_only, initial=dict(initial)).weights)
    assert not torch.equal(trained["fc.weight"], head)
    convolutions = [name for name, tensor in initial.items() if tensor.ndim == 4]
    assert convolutions
    assert all(torch.equal(trained[name], initial[name]) for name in convolutions)


def test_frozen_layers_and_their_statistics_stay_as_they_were(run: Train, short: Trained, tmp_path: Path) -> None:
    frozen = short.recipe.model_copy(update={"frozen": ("features",)})
    torch.manual_seed(frozen.seed)
    before = build_network("raw", 2).state_dict()
    result = run(tmp_path, recipe=frozen)
    trained = load_file(result.weights)
    assert not torch.equal(trained["fc.weight"], before["fc.weight"])
    assert all(torch.equal(trained[name], tensor) for name, tensor in before.items() if name.startswith("features."))


def test_views_and_photos_of_none_are_trained_on_and_a_run_goes_on(
    run: Train, two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    train_entries, val_entries = two_classes
    photos = [*train_entries, replace(train_entries[0], label="", place="street")]
    with_views = recipe.model_copy(update={"views": Views(count=2, size=40, surroundings=("street",)), "home": 2.0})
    data = RunData(photos, val_entries, CLASSES, small)
    whole = run(tmp_path, recipe=with_views, data=data)
    assert whole.best["val_accuracy"] >= 0.9
    views = tmp_path / "views.npy"
    made = views.stat().st_mtime_ns
    again = run(tmp_path, recipe=with_views, data=data, resume=True)
    assert again.best == whole.best
    assert views.stat().st_mtime_ns == made
