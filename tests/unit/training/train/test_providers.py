"""Which frameworks train, and what is said where one is missing."""

import sys

import pytest

import training.tensorflow
from training.train.providers import check_provider
from training.train.recipes import Recipe, Stage

RECIPE = Recipe(learning_rate=0.1, stages=(Stage(epochs=1, size=32),))


def test_pytorch_is_there() -> None:
    check_provider("pytorch", RECIPE, 1)


def test_a_missing_tensorflow_is_said_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "training.tensorflow.learner", None)
    monkeypatch.delattr(training.tensorflow, "learner", raising=False)
    with pytest.raises(ValueError, match=r"TensorFlow is not installed.*make train-cli model_provider=tensorflow"):
        check_provider("tensorflow", RECIPE, 1)


def test_an_unknown_framework_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown provider 'jax'; known are pytorch and tensorflow"):
        check_provider("jax", RECIPE, 1)
