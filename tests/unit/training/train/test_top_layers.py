"""The top of ResNet-50 on kept maps: what learns, what stays, what a run goes on with, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training.train.conftest import CLASSES, Entries, same_weights
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.models.resnet50 import ResNet50
from training.train import top_layers
from training.train.checkpoints import save_weights
from training.train.recipes import Augmentation, Distillation, Recipe, Stage, Views
from training.train.run import RunData, RunStart
from training.train.top_layers import kept_maps, train_top_layers


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "start.safetensors"
    save_weights(ResNet50(len(CLASSES)), file)
    return file


@pytest.fixture
def data(two_classes: Entries, small: Specification) -> RunData:
    train, val = two_classes
    return RunData([*train, replace(train[0], place="street", label="")], val, CLASSES, small)


@pytest.fixture
def maps_recipe(recipe: Recipe) -> Recipe:
    changes: dict[str, Any] = {
        "maps_once": True,
        "batch_size": 8,
        "optimiser": "adamw",
        "learning_rate": 1e-3,
        "ema": 0.5,
        "keep": "last",
        "views": Views(count=1, size=64),
        "augmentation": Augmentation(min_area=0.5, quarter_turns=True, mixup=0.2, cutmix=0.2),
        "teacher": Distillation(model="pretrained", share=0.5, size=64, home_only=True),
        "stages": (Stage(epochs=1, size=64), Stage(epochs=1, size=64, mixing=False)),
    }
    return Recipe.model_validate(recipe.model_copy(update=changes).model_dump())


def test_the_top_learns_and_the_layers_below_stay(
    weights: Path, data: RunData, maps_recipe: Recipe, tmp_path: Path
) -> None:
    before = load_file(weights)
    start = RunStart(dict(before), weights)
    result = train_top_layers("pretrained", data, maps_recipe, tmp_path, start)
    after = load_file(result.weights)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in changed} == {"layer4", "fc"}
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + maps_recipe.epochs
    with pytest.raises(ValueError, match="holds a run already: say --resume"):
        train_top_layers("pretrained", data, maps_recipe, tmp_path, start)
    again = train_top_layers("pretrained", data, maps_recipe, tmp_path, replace(start, resume=True))
    assert again.best == result.best
    with pytest.raises(ValueError, match="made with another recipe"):
        train_top_layers("pretrained", data, maps_recipe.with_epochs(3), tmp_path, replace(start, resume=True))


def test_an_interrupted_run_goes_on_where_it_was(
    weights: Path, data: RunData, maps_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = RunStart(dict(load_file(weights)), weights, resume=True)
    whole = train_top_layers("pretrained", data, maps_recipe, tmp_path / "whole", start)
    one_epoch = top_layers._epoch

    def interrupted(number: int, *rest: Any) -> Any:
        if number == 1:
            raise KeyboardInterrupt
        return one_epoch(number, *rest)

    monkeypatch.setattr(top_layers, "_epoch", interrupted)
    assert train_top_layers("pretrained", data, maps_recipe, tmp_path / "parts", start).interrupted
    monkeypatch.undo()
    parts = train_top_layers("pretrained", data, maps_recipe, tmp_path / "parts", start)
    assert parts.epochs_done == maps_recipe.epochs
    assert same_weights(whole.weights, parts.weights)


def test_kept_maps_are_those_of_the_network_within_eight_bits(small: Specification, tmp_path: Path) -> None:
    network = ResNet50(2).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (5, 2, 3, 64, 64), dtype=np.uint8)
    (tmp_path / "views.json").write_text("{}")
    kept = kept_maps(network, pictures, small, tmp_path)
    assert kept.values.shape == (5, 2, 4, 4, 1024)
    drawn = kept.draw(torch.tensor([3, 0]), torch.tensor([1, 0]))
    with torch.no_grad():
        wanted = network.maps_below(normalise(torch.from_numpy(pictures[[3, 0], [1, 0]]), small))
    differences = (drawn - wanted).abs()
    within = differences <= kept.scale[None, :, None, None]
    # The largest values of a channel are cut.
    assert within.float().mean() > 0.99
    written = (tmp_path / "maps.npy").stat().st_mtime_ns
    kept_maps(network, pictures, small, tmp_path)
    assert (tmp_path / "maps.npy").stat().st_mtime_ns == written
    before = np.array(kept.values)
    assert not np.array_equal(kept_maps(ResNet50(2).eval(), pictures, small, tmp_path).values, before)


def test_parts_of_maps_are_cut_and_mirrored_only() -> None:
    maps = torch.arange(2 * 3 * 16.0).reshape(2, 3, 4, 4)
    sides = set()
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        part = top_layers._part(maps, Augmentation(min_area=0.5, quarter_turns=True), generator)
        sides.add(part.shape[-1])
        assert set(part[1, 2].flatten().tolist()) <= set(maps[1, 2].flatten().tolist())
        assert len(set(part[0, 0].flatten().tolist())) == part.shape[-1] ** 2
    assert sides == {3, 4}


def test_what_cannot_be_trained_is_refused(weights: Path, data: RunData, maps_recipe: Recipe, tmp_path: Path) -> None:
    state = dict(load_file(weights))
    with pytest.raises(ValueError, match="say --model pretrained"):
        train_top_layers("raw", data, maps_recipe, tmp_path, RunStart(state, weights))
    with pytest.raises(ValueError, match="say --init FILE"):
        train_top_layers("pretrained", data, maps_recipe, tmp_path, RunStart(None, weights))
    with pytest.raises(ValueError, match="by --teacher FILE"):
        train_top_layers("pretrained", data, maps_recipe, tmp_path, RunStart(state))
    other = tmp_path / "other.safetensors"
    save_weights(ResNet50(len(CLASSES)), other)
    with pytest.raises(ValueError, match="cannot teach on the same maps"):
        train_top_layers("pretrained", data, maps_recipe, tmp_path, RunStart(state, other))
    with pytest.raises(ValueError, match='keep = "last"'):
        Recipe.model_validate(maps_recipe.model_dump() | {"keep": "best"})
    with pytest.raises(ValueError, match="every stage has their size, 64"):
        Recipe.model_validate(maps_recipe.model_dump() | {"stages": ({"epochs": 1, "size": 32},)})
    with pytest.raises(ValueError, match="leave out degrees"):
        Recipe.model_validate(maps_recipe.model_dump() | {"augmentation": {"degrees": 5}})
