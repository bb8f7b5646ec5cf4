"""Recipes: read, checked, stretched."""

from pathlib import Path

import pytest

from training.train.recipes import RECIPES, Recipe, Stage, load_recipe


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_every_recipe_that_comes_with_the_project_is_whole(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.epochs == sum(stage.epochs for stage in recipe.stages) > 0


def test_a_recipe_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("learning_rate = 0.1\n[[stages]]\nepochs = 2\nsize = 64\n", encoding="utf-8")
    assert load_recipe(path).stages == (Stage(epochs=2, size=64),)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(FileNotFoundError, match=r"no recipe .*none\.toml.*pretrained"):
        load_recipe("none")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("learning_rat = 0.1", "learning_rat"),
        ("learning_rate = -1", "learning_rate"),
        ("learning_rate = 0.1\noptimiser = 'lion'", "optimiser"),
        ("learning_rate = ", "mine.toml"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{line}\n[[stages]]\nepochs = 2\nsize = 64\n", encoding="utf-8")
    with pytest.raises(ValueError, match=named):
        load_recipe(path)


def test_stages_follow_one_another() -> None:
    recipe = _recipe(2, 3)
    assert [recipe.stages.index(recipe.stage_of(epoch)) for epoch in range(5)] == [0, 0, 1, 1, 1]
    with pytest.raises(IndexError):
        recipe.stage_of(5)


@pytest.mark.parametrize("epochs", [2, 3, 7, 74, 100, 1000])
def test_stretching_keeps_every_stage_and_the_exact_sum(epochs: int) -> None:
    stretched = _recipe(64, 10).with_epochs(epochs)
    assert stretched.epochs == epochs
    assert all(stage.epochs >= 1 for stage in stretched.stages)


def test_fewer_epochs_than_stages_keep_the_longest_stages() -> None:
    (stage,) = _recipe(10, 64).with_epochs(1).stages
    assert (stage.epochs, stage.size) == (1, 64)
    assert [stage.size for stage in _recipe(3, 1, 64).with_epochs(2).stages] == [32, 96]
    with pytest.raises(ValueError, match="at least one epoch"):
        _recipe(64).with_epochs(0)


@pytest.mark.parametrize(("photos", "batch"), [(2, 2), (63, 63), (64, 64), (5000, 64)])
def test_a_batch_is_no_larger_than_the_set(photos: int, batch: int) -> None:
    assert _recipe(1).fitted_to(photos).batch_size == batch


def _recipe(*epochs: int) -> Recipe:
    stages = tuple(Stage(epochs=count, size=32 * (place + 1)) for place, count in enumerate(epochs))
    return Recipe(learning_rate=0.1, stages=stages)
