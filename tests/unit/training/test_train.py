"""A training run on a drawn set of two classes: it learns, stops, goes on, and repeats itself for a seed."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from training import train
from training.checkpoints import load_weights
from training.dataset import Entry, load_photos
from training.engine import predict_logits
from training.networks import build_network
from training.recipes import Recipe, Stage
from training.specification import Specification
from training.train import RunResult, parameter_groups

CLASSES = ("cup", "plate")
Entries = tuple[list[Entry], list[Entry]]
Train = Callable[..., RunResult]


@pytest.fixture
def run(two_classes: Entries, recipe: Recipe, small: Specification) -> Train:
    """Train `raw` in a folder; options go to the run."""

    def start(output: Path, **options: Any) -> RunResult:
        settings = {"recipe": recipe, "specification": small} | options
        return train.run("raw", *two_classes, CLASSES, output, **settings)

    return start


def test_it_learns_two_drawn_classes(run: Train, two_classes: Entries, small: Specification, tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.epochs_done == 4
    assert not result.interrupted
    network = build_network("raw", 2)
    load_weights(network, result.weights)
    photos = load_photos(two_classes[1], CLASSES, small.size)
    accuracy = float((predict_logits(network, photos.pixels, small).argmax(dim=1) == photos.labels).float().mean())
    assert accuracy == result.best["val_accuracy"] >= 0.9


def test_what_a_run_leaves_says_how_it_was_made(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    run(tmp_path, description={"command": "python -m training train"})
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "python -m training train"
    assert Recipe.model_validate(record["recipe"]) == recipe
    with (tmp_path / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_decides_the_run(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    first, second = (run(tmp_path / name) for name in ("first", "second"))
    other = run(tmp_path / "other", recipe=recipe.model_copy(update={"seed": 2}))
    assert _same(first.weights, second.weights)
    assert not _same(first.weights, other.weights)


@pytest.mark.parametrize("stopped_in", [2, 4])
def test_an_interrupted_run_keeps_what_it_has_and_goes_on_as_if_nothing_had_been(
    run: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: int
) -> None:
    whole = run(tmp_path / "whole")
    interrupted = _interrupted(run, tmp_path / "stopped", monkeypatch, stopped_in)
    assert interrupted.interrupted
    assert interrupted.epochs_done == stopped_in - 1
    assert interrupted.weights.exists()
    resumed = run(tmp_path / "stopped", resume=True)
    assert not resumed.interrupted
    assert _same(resumed.weights, whole.weights)
    assert _without_time(tmp_path / "stopped") == _without_time(tmp_path / "whole")


def test_an_interruption_before_the_first_epoch_keeps_nothing_and_says_so(
    run: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="nothing was kept"):
        _interrupted(run, tmp_path, monkeypatch, 1)


def test_a_folder_with_a_run_is_not_overwritten(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    run(tmp_path, recipe=recipe.with_epochs(1))
    with pytest.raises(ValueError, match="--resume"):
        run(tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        run(tmp_path, resume=True)


def test_resuming_a_finished_run_changes_nothing(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    first = run(tmp_path, recipe=recipe.with_epochs(1))
    before = first.weights.read_bytes()
    again = run(tmp_path, recipe=recipe.with_epochs(1), resume=True)
    assert again.best == first.best
    assert again.weights.read_bytes() == before


def test_fewer_photos_than_a_batch_are_refused(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than one batch of 64"):
        run(tmp_path, recipe=recipe.model_copy(update={"batch_size": 64}))


def test_a_head_stage_leaves_all_other_layers_as_they_were(
    two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    head_only = recipe.model_copy(update={"stages": (Stage(epochs=1, size=32, train="head"),)})
    torch.manual_seed(recipe.seed)
    start = build_network("raw", 2).state_dict()
    result = train.run("raw", *two_classes, CLASSES, tmp_path, recipe=head_only, specification=small)
    trained = load_file(result.weights)
    assert not torch.equal(trained["fc.weight"], start["fc.weight"])
    convolutions = [name for name, tensor in start.items() if tensor.ndim == 4]
    assert all(torch.equal(trained[name], start[name]) for name in convolutions)


def test_a_run_starts_from_the_weights_that_it_is_given(
    two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    torch.manual_seed(77)
    initial = build_network("raw", 200).state_dict()  # the head of a set with other classes does not fit, and stays out
    head_only = recipe.model_copy(update={"stages": (Stage(epochs=1, size=32, train="head"),)})
    result = train.run(
        "raw", *two_classes, CLASSES, tmp_path, recipe=head_only, specification=small, initial=dict(initial)
    )
    trained = load_file(result.weights)
    convolutions = [name for name, tensor in initial.items() if tensor.ndim == 4]
    assert all(torch.equal(trained[name], initial[name]) for name in convolutions)
    assert trained["fc.weight"].shape[0] == 2


def test_layers_nearer_to_the_input_learn_more_slowly_and_only_matrices_decay(recipe: Recipe) -> None:
    network = build_network("pretrained", 2)
    groups = parameter_groups(network, recipe.model_copy(update={"layer_decay": 0.5}))
    rate = {id(parameter): group["scale"] for group in groups for parameter in group["params"]}
    decay = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    parameters = dict(network.named_parameters())
    assert set(rate) == {id(parameter) for parameter in parameters.values()}
    order = ["conv1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight", "fc.weight"]
    rates = [rate[id(parameters[name])] for name in order]
    assert rates == sorted(rates)
    assert rates[-1] == 1.0
    assert decay[id(parameters["fc.bias"])] == decay[id(parameters["bn1.weight"])] == 0
    assert decay[id(parameters["fc.weight"])] == recipe.weight_decay


def _interrupted(run: Train, output: Path, monkeypatch: pytest.MonkeyPatch, epoch: int) -> RunResult:
    """Run, and press Ctrl-C in the middle of an epoch (from 1)."""
    began = 0
    real = train.train_epoch

    def train_epoch(*arguments: Any, on_step: Callable[[torch.Tensor, float], None], **options: Any) -> float:
        nonlocal began
        began += 1

        def step(loss: torch.Tensor, rate: float) -> None:
            on_step(loss, rate)
            if began == epoch:
                raise KeyboardInterrupt

        return real(*arguments, on_step=step, **options)

    with monkeypatch.context() as patch:
        patch.setattr(train, "train_epoch", train_epoch)
        return run(output)


def _same(first: Path, second: Path) -> bool:
    states = load_file(first), load_file(second)
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def _without_time(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
