"""A run that was interrupted goes on as if nothing had been, and only if it is the same run."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.train.conftest import Train, Trained, same_weights
from training.evaluate.card import sha256
from training.train import run as training_run
from training.train.checkpoints import load_run, save_run
from training.train.engine import train_epoch
from training.train.recipes import Distillation
from training.train.run import RunResult


@pytest.mark.parametrize("stopped_in", [2, 4])
def test_an_interrupted_run_keeps_what_it_has_and_goes_on_as_if_nothing_had_been(
    run: Train, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: int
) -> None:
    interrupted = _interrupted(run, tmp_path / "stopped", monkeypatch, stopped_in)
    assert interrupted.interrupted
    assert interrupted.epochs_done == stopped_in - 1
    assert interrupted.weights.exists()
    resumed = run(tmp_path / "stopped", resume=True)
    assert not resumed.interrupted
    assert same_weights(resumed.weights, trained.result.weights)
    assert _without_time(tmp_path / "stopped") == _without_time(trained.folder)


def test_an_interruption_before_the_first_epoch_keeps_nothing_and_says_so(
    run: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="nothing was kept"):
        _interrupted(run, tmp_path, monkeypatch, 1)


def test_a_folder_with_a_run_is_not_overwritten(run: Train, trained: Trained, short: Trained) -> None:
    before = trained.result.weights.read_bytes()
    with pytest.raises(ValueError, match="--resume"):
        run(trained.folder)
    with pytest.raises(ValueError, match="another recipe"):
        run(trained.folder, recipe=short.recipe, resume=True)
    assert trained.result.weights.read_bytes() == before


def test_another_teacher_does_not_go_on_with_a_run(run: Train, short: Trained, tmp_path: Path) -> None:
    teacher, other = short.result.weights, tmp_path / "other.safetensors"
    other.write_bytes(teacher.read_bytes()[:-4] + b"\0\0\0\1")
    taught = short.recipe.model_copy(update={"teacher": Distillation(share=0.5, size=32)})
    run(tmp_path / "student", recipe=taught, teacher_weights=teacher)
    with pytest.raises(ValueError, match="had another teacher"):
        run(tmp_path / "student", recipe=taught, teacher_weights=other, resume=True)
    record = json.loads((tmp_path / "student" / "run.json").read_text(encoding="utf-8"))
    assert record["teacher_sha256"] == sha256(teacher)


def test_another_framework_does_not_go_on_with_a_run(run: Train, short: Trained, tmp_path: Path) -> None:
    folder = short.copy_to(tmp_path / "run")
    state = load_run(folder / "last.pt")
    assert state["provider"] == "pytorch"
    save_run(folder / "last.pt", state | {"provider": "tensorflow"})
    with pytest.raises(ValueError, match="say --provider tensorflow"):
        run(folder, recipe=short.recipe, resume=True)


def test_a_run_of_before_a_setting_was_there_goes_on(run: Train, short: Trained, tmp_path: Path) -> None:
    folder = short.copy_to(tmp_path / "run")
    state = load_run(folder / "last.pt")
    for missing in ("teacher", "warmup"):
        state["recipe"].pop(missing)
    for missing in ("teacher", "provider"):
        state.pop(missing)
    save_run(folder / "last.pt", state)
    assert run(folder, recipe=short.recipe, resume=True).epochs_done == 1


def test_resuming_a_finished_run_changes_nothing(run: Train, short: Trained, tmp_path: Path) -> None:
    again = run(short.copy_to(tmp_path / "run"), recipe=short.recipe, resume=True)
    assert again.best == short.result.best
    assert again.weights.read_bytes() == short.result.weights.read_bytes()


def _interrupted(run: Train, output: Path, monkeypatch: pytest.MonkeyPatch, epoch: int) -> RunResult:
    """Run, and press Ctrl-C in the middle of an epoch (from 1)."""
    began = 0

    def watched(*arguments: Any) -> float:
        nonlocal began
        began += 1
        *others, on_step = arguments

        def step(loss: torch.Tensor, rate: float) -> None:
            on_step(loss, rate)
            if began == epoch:
                raise KeyboardInterrupt

        arguments = (*others, step)
        return train_epoch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training_run, "train_epoch", watched)
        return run(output)


def _without_time(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
