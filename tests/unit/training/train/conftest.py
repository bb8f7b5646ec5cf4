"""Training runs on a drawn set of two classes, of which most tests only look at what one has left."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from training.dataset.entries import Entry
from training.dataset.specification import Specification
from training.train import run as training_run
from training.train.recipes import Recipe
from training.train.run import RunData, RunResult, RunStart

CLASSES = ("cup", "plate")
Entries = tuple[list[Entry], list[Entry]]
Train = Callable[..., RunResult]


@dataclass(frozen=True)
class Trained:
    """A finished run; a test that changes files asks for a copy of its folder."""

    recipe: Recipe
    result: RunResult
    folder: Path

    def copy_to(self, folder: Path) -> Path:
        """Copy what the run has left, and return the copy."""
        return Path(shutil.copytree(self.folder, folder))


@pytest.fixture(scope="session")
def run(two_classes: Entries, recipe: Recipe, small: Specification) -> Train:
    """Train `raw` in a folder; options say what it starts from."""
    data = RunData(*two_classes, CLASSES, small)

    def start(output: Path, recipe: Recipe = recipe, data: RunData = data, **options: Any) -> RunResult:
        return training_run.run("raw", data, recipe, output, RunStart(**options))

    return start


@pytest.fixture(scope="session")
def trained(run: Train, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of the whole recipe."""
    folder = tmp_path_factory.mktemp("trained")
    return Trained(recipe, run(folder, description={"command": "bin-it-right train"}), folder)


@pytest.fixture(scope="session")
def short(run: Train, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of one epoch."""
    folder, once = tmp_path_factory.mktemp("short"), recipe.with_epochs(1)
    return Trained(once, run(folder, recipe=once), folder)


def same_weights(first: Path, second: Path) -> bool:
    """Say whether two files hold the same weights."""
    states = load_file(first), load_file(second)
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])
