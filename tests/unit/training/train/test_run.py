"""A training run on a drawn set of two classes: it learns, stops, goes on, and repeats itself for a seed."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from training.dataset.entries import Entry, load_photos
from training.dataset.specification import Specification
from training.evaluate.card import sha256
from training.models.build import build_network
from training.train import features
from training.train import run as training_run
from training.train.checkpoints import load_run, load_weights, save_run
from training.train.distillation import Teacher
from training.train.engine import Epoch, predict_logits, train_epoch
from training.train.recipes import Distillation, Features, Recipe, Stage, Views
from training.train.run import RunData, RunResult, RunStart
from training.train.state import TrainingState, parameter_groups
from training.train.training_set import TrainingSet

CLASSES = ("cup", "plate")
Entries = tuple[list[Entry], list[Entry]]
Train = Callable[..., RunResult]


@pytest.fixture
def run(two_classes: Entries, recipe: Recipe, small: Specification) -> Train:
    """Train `raw` in a folder; options say what it starts from."""
    data = RunData(*two_classes, CLASSES, small)

    def start(output: Path, recipe: Recipe = recipe, data: RunData = data, **options: Any) -> RunResult:
        return training_run.run("raw", data, recipe, output, RunStart(**options))

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


def test_another_teacher_does_not_go_on_with_a_run(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    teachers = [run(tmp_path / name, recipe=recipe.with_epochs(1)).weights for name in ("first", "second")]
    teachers[1].write_bytes(teachers[1].read_bytes()[:-4] + b"\0\0\0\1")
    taught = recipe.with_epochs(1).model_copy(update={"teacher": Distillation(share=0.5, size=32)})
    run(tmp_path / "student", recipe=taught, teacher_weights=teachers[0])
    with pytest.raises(ValueError, match="had another teacher"):
        run(tmp_path / "student", recipe=taught, teacher_weights=teachers[1], resume=True)
    record = json.loads((tmp_path / "student" / "run.json").read_text(encoding="utf-8"))
    assert record["teacher_sha256"] == sha256(teachers[0])


def test_a_run_of_before_a_setting_was_there_goes_on(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    run(tmp_path, recipe=recipe.with_epochs(1))
    state = load_run(tmp_path / "last.pt")
    for missing in ("teacher", "warmup"):
        state["recipe"].pop(missing)
    state.pop("teacher")
    save_run(tmp_path / "last.pt", state)
    assert run(tmp_path, recipe=recipe.with_epochs(1), resume=True).epochs_done == 1


def test_resuming_a_finished_run_changes_nothing(run: Train, recipe: Recipe, tmp_path: Path) -> None:
    first = run(tmp_path, recipe=recipe.with_epochs(1))
    before = first.weights.read_bytes()
    again = run(tmp_path, recipe=recipe.with_epochs(1), resume=True)
    assert again.best == first.best
    assert again.weights.read_bytes() == before


def test_a_batch_fits_itself_to_few_photos(
    run: Train, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(tmp_path, recipe=recipe.with_epochs(1).model_copy(update={"batch_size": 64}))
    assert result.epochs_done == 1
    assert "batches of 32: there are too few photos for 64" in capsys.readouterr().out


def test_a_head_stage_leaves_all_other_layers_as_they_were(
    two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    head_only = recipe.model_copy(update={"stages": (Stage(epochs=1, size=32, train="head"),)})
    torch.manual_seed(recipe.seed)
    start = build_network("raw", 2).state_dict()
    result = training_run.run("raw", RunData(*two_classes, CLASSES, small), head_only, tmp_path)
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
    data = RunData(*two_classes, CLASSES, small)
    result = training_run.run("raw", data, head_only, tmp_path, RunStart(initial=dict(initial)))
    trained = load_file(result.weights)
    convolutions = [name for name, tensor in initial.items() if tensor.ndim == 4]
    assert all(torch.equal(trained[name], initial[name]) for name in convolutions)
    assert trained["fc.weight"].shape[0] == 2


def test_a_teacher_is_believed_as_far_as_the_recipe_says() -> None:
    class Sure(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[50.0, 0.0]]).expand(len(images), 2)

    labels = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    targets = Teacher(Sure(), Distillation(share=0.3, size=32), mixed=False).teach(torch.zeros(2, 3, 32, 32), labels)
    torch.testing.assert_close(targets, torch.tensor([[0.3, 0.7], [1.0, 0.0]]))


def test_a_teacher_that_is_all_that_counts_corrects_wrong_labels(
    run: Train, two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    teacher = run(tmp_path / "teacher").weights
    train_entries, val_entries = two_classes
    other = {"cup": "plate", "plate": "cup"}
    wrong = [replace(entry, label=other[entry.label]) for entry in train_entries]
    # At 48 pixels, which it was not trained at, this teacher sees one class only where there is no AVX-512.
    taught = recipe.model_copy(update={"teacher": Distillation(share=1, size=32)})
    data = RunData(wrong, val_entries, CLASSES, small)
    result = training_run.run("raw", data, taught, tmp_path / "student", RunStart(teacher_weights=teacher))
    assert result.best["val_accuracy"] >= 0.9


def test_teacher_and_student_see_the_same_view_at_their_own_sizes(recipe: Recipe, small: Specification) -> None:
    seen: list[torch.Tensor] = []

    def watch(_network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.append(inputs[0].detach().float())

    networks = [build_network("raw", 2) for _ in range(2)]
    for network in networks:
        network.register_forward_pre_hook(watch)
    teacher, student = networks
    taught = recipe.model_copy(update={"teacher": Distillation(share=0.5, size=64)})
    pixels = torch.randint(0, 256, (8, 3, 10, 10)).repeat_interleave(8, 2).repeat_interleave(8, 3).byte()
    photos = TrainingSet(pixels[:, None], torch.eye(2).repeat(4, 1), torch.ones(8), torch.ones(1))
    state = TrainingState.start(student, taught, None)
    epoch = Epoch(
        taught, recipe.stages[0], small, 0, 1, Teacher(teacher, Distillation(share=0.5, size=64), mixed=False)
    )
    train_epoch(state, student, photos, [torch.arange(8)], epoch, lambda _loss, _rate: None)
    large, own = seen
    assert large.shape == (8, 3, 64, 64)
    assert own.shape == (8, 3, 32, 32)
    halved = functional.avg_pool2d(large, 2)
    assert float((halved - own).abs().mean()) < 0.2 < float((halved.flip(3) - own).abs().mean())


@pytest.mark.parametrize("weights", [None, Path("best.safetensors")], ids=["no weights", "no table"])
def test_a_teacher_needs_both_a_table_and_weights(
    run: Train, recipe: Recipe, tmp_path: Path, weights: Path | None
) -> None:
    teacher = None if weights else Distillation(share=0.5, size=32)
    with pytest.raises(ValueError, match="a teacher needs both"):
        run(tmp_path, recipe=recipe.model_copy(update={"teacher": teacher}), teacher_weights=weights)


def test_frozen_layers_and_their_statistics_stay_as_they_were(
    two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    frozen = recipe.model_copy(update={"frozen": ("features",)}).with_epochs(1)
    torch.manual_seed(recipe.seed)
    before = build_network("raw", 2).state_dict()
    result = training_run.run("raw", RunData(*two_classes, CLASSES, small), frozen, tmp_path)
    trained = load_file(result.weights)
    assert not torch.equal(trained["fc.weight"], before["fc.weight"])
    assert all(torch.equal(trained[name], tensor) for name, tensor in before.items() if name.startswith("features."))


def test_views_and_photos_of_none_are_trained_on_and_a_run_goes_on(
    two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path
) -> None:
    train_entries, val_entries = two_classes
    photos = [*train_entries, replace(train_entries[0], label="", place="street")]
    with_views = recipe.model_copy(update={"views": Views(count=2, size=40, surroundings=("street",)), "home": 2.0})
    data = RunData(photos, val_entries, CLASSES, small)
    whole = training_run.run("raw", data, with_views, tmp_path / "whole")
    assert whole.best["val_accuracy"] >= 0.9
    views = tmp_path / "whole" / "views.npy"
    made = views.stat().st_mtime_ns
    again = training_run.run("raw", data, with_views, tmp_path / "whole", RunStart(resume=True))
    assert again.best == whole.best
    assert views.stat().st_mtime_ns == made


def test_features_of_a_teacher_are_learnt_to_be_predicted(
    two_classes: Entries, recipe: Recipe, small: Specification, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extractor(_number: int, *, size: int, input_size: int) -> Callable[[np.ndarray], np.ndarray]:
        assert (size, input_size) == (64, 40)
        return lambda pixels: np.stack([pixels.mean((1, 2, 3)), pixels[:, 0].mean((1, 2)), pixels.std((1, 2, 3))], 1)

    monkeypatch.setattr(features, "feature_extractor", extractor)
    settings = {"views": Views(count=1, size=40), "features": Features(efficientnet_lite=2, size=64, weight=1.0)}
    taught = recipe.model_copy(update=settings)
    result = training_run.run("raw", RunData(*two_classes, CLASSES, small), taught, tmp_path)
    losses = [row["train_loss"] for row in load_run(tmp_path / "last.pt")["history"]]
    assert losses[-1] < losses[0]
    assert set(load_file(result.weights)) == set(build_network("raw", 2).state_dict())


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
    real = training_run.train_epoch

    def train_epoch(*arguments: Any) -> float:
        nonlocal began
        began += 1
        *others, on_step = arguments

        def step(loss: torch.Tensor, rate: float) -> None:
            on_step(loss, rate)
            if began == epoch:
                raise KeyboardInterrupt

        return real(*others, step)

    with monkeypatch.context() as patch:
        patch.setattr(training_run, "train_epoch", train_epoch)
        return run(output)


def _same(first: Path, second: Path) -> bool:
    states = load_file(first), load_file(second)
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def _without_time(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
