"""A training run in TensorFlow: it learns, stops and goes on, and leaves what a PyTorch run leaves."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from training.dataset.entries import Entry, load_photos
from training.dataset.specification import Specification
from training.models.build import build_network
from training.train import run as training_run
from training.train.checkpoints import load_weights
from training.train.engine import predict_logits, train_epoch
from training.train.recipes import Recipe
from training.train.run import RunData, RunStart

pytest.importorskip(
    "training.tensorflow.networks",
    reason="TensorFlow is not installed: `make train-cli model_provider=tensorflow` installs it",
)

CLASSES = ("cup", "plate")


def test_it_learns_and_an_interrupted_run_goes_on(
    two_classes: tuple[list[Entry], list[Entry]],
    recipe: Recipe,
    small: Specification,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = RunData(*two_classes, CLASSES, small)
    whole = training_run.run("raw", data, recipe, tmp_path / "whole", RunStart(provider="tensorflow"))
    assert (whole.epochs_done, whole.interrupted) == (4, False)
    network = build_network("raw", len(CLASSES))
    load_weights(network, whole.weights)
    photos = load_photos(two_classes[1], CLASSES, small.size)
    right = predict_logits(network, photos.pixels, small).argmax(dim=1) == photos.labels
    assert float(right.float().mean()) == whole.best["val_accuracy"] >= 0.9
    record = json.loads((tmp_path / "whole" / "run.json").read_text(encoding="utf-8"))
    assert record["provider"] == "tensorflow"
    assert {"tensorflow", "keras", "torch"} <= set(record)
    assert (tmp_path / "whole" / "curves.png").exists()

    begun = 0

    def interrupted_in_the_second_epoch(*arguments: Any) -> float:
        nonlocal begun
        begun += 1
        if begun == 2:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training_run, "train_epoch", interrupted_in_the_second_epoch)
        stopped = training_run.run("raw", data, recipe, tmp_path / "stopped", RunStart(provider="tensorflow"))
    assert (stopped.epochs_done, stopped.interrupted) == (1, True)
    start = RunStart(provider="tensorflow", resume=True)
    resumed = training_run.run("raw", data, recipe, tmp_path / "stopped", start)
    assert (resumed.epochs_done, resumed.interrupted) == (4, False)
    losses = [_losses(tmp_path / name) for name in ("whole", "stopped")]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert set(load_file(resumed.weights)) == set(build_network("raw", 2).state_dict())
    with pytest.raises(ValueError, match="say --provider tensorflow"):
        training_run.run("raw", data, recipe, tmp_path / "stopped", RunStart(resume=True))


def _losses(folder: Path) -> list[float]:
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


def test_a_run_starts_from_the_weights_that_it_is_given(
    two_classes: tuple[list[Entry], list[Entry]], recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    torch.manual_seed(77)
    initial = build_network("raw", 200).state_dict()  # the head for other classes does not fit, and stays out
    frozen = recipe.model_copy(update={"frozen": ("features",)}).with_epochs(1)
    start = RunStart(initial=dict(initial), provider="tensorflow")
    result = training_run.run("raw", RunData(*two_classes, CLASSES, small), frozen, tmp_path, start)
    trained = load_file(result.weights)
    assert all(torch.equal(trained[name], tensor) for name, tensor in initial.items() if tensor.ndim == 4)
    assert trained["fc.weight"].shape[0] == len(CLASSES)
