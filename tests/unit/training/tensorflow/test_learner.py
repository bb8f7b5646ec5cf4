"""A step in TensorFlow is a step in PyTorch; what a recipe asks for is done or refused."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from training.models.build import build_network
from training.train import providers
from training.train.pytorch_learner import PyTorchLearner
from training.train.recipes import Features, Recipe, Stage, Views

pytest.importorskip(
    "training.tensorflow.networks",
    reason="TensorFlow is not installed: `make train-cli model_provider=tensorflow` installs it",
)
from training.tensorflow import learner as tensorflow_learner
from training.tensorflow.learner import TensorFlowLearner, check_recipe

CLASSES, STAGE = 3, Stage(epochs=1, size=64)


def _recipe(**values: Any) -> Recipe:
    return Recipe(**{"learning_rate": 0.05, "mixed_precision": False, "ema": 0.7, "stages": (STAGE,)} | values)


def _batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(8, 3, 64, 64, generator=generator).contiguous(memory_format=torch.channels_last)
    return images, torch.softmax(3 * torch.randn(8, CLASSES, generator=generator), dim=1)


def _state(learner: Any) -> dict[str, torch.Tensor]:
    """The averaged weights without counters, and without the running variances, which PyTorch alone makes unbiased."""
    state = learner.averaged.state_dict()
    return {name: tensor.clone() for name, tensor in state.items() if "running_var" not in name and tensor.ndim}


@pytest.mark.parametrize(
    ("recipe", "rate"),
    [
        (_recipe(optimiser="sgd", layer_decay=0.5, weight_decay=0.05), 0.02),
        (_recipe(optimiser="adamw", weight_decay=0.5, label_smoothing=0.2), 0.001),
    ],
    ids=["sgd", "adamw"],
)
def test_three_steps_change_weights_and_average_as_in_pytorch(recipe: Recipe, rate: float) -> None:
    torch.manual_seed(0)
    network = build_network("raw", CLASSES)
    for module in network.modules():
        # With the zeros that a run begins with, Adam would divide gradients of rounding errors by their own size.
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    learners = PyTorchLearner(copy.deepcopy(network), recipe), TensorFlowLearner(network, recipe)
    for seed in range(3):
        for learner in learners:
            learner.begin(STAGE)
        losses = [float(learner.step(*_batch(seed), None, rate)) for learner in learners]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    ours, theirs = map(_state, learners)
    assert set(ours) == set(theirs)
    for name, tensor in ours.items():
        moved = float((tensor - before[name]).abs().mean())
        assert float((tensor - theirs[name]).abs().mean()) <= 0.05 * moved + 1e-7, name


def test_a_head_stage_and_frozen_layers_leave_the_rest_as_it_was() -> None:
    for recipe, stage in (
        (_recipe(), Stage(epochs=1, size=64, train="head")),
        (_recipe(frozen=("features",)), STAGE),
    ):
        network = build_network("raw", CLASSES)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        learner = TensorFlowLearner(network, recipe)
        learner.begin(stage)
        learner.step(*_batch(1), None, 0.1)
        after = learner.averaged.state_dict()
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        parameters = {name for name, _ in network.named_parameters()}
        assert changed & parameters == {"fc.weight", "fc.bias"}
        # Frozen layers keep their batch statistics too, as in PyTorch.
        assert bool(changed - parameters) is not bool(recipe.frozen)


def test_what_is_stored_goes_on_where_it_was() -> None:
    network = build_network("raw", CLASSES)
    first = TensorFlowLearner(copy.deepcopy(network), _recipe())
    first.begin(STAGE)
    first.step(*_batch(1), None, 0.05)
    other = TensorFlowLearner(build_network("raw", CLASSES), _recipe())
    other.load_state_dict(copy.deepcopy(first.state_dict()))
    other.begin(STAGE)
    for learner in (first, other):
        learner.step(*_batch(2), None, 0.05)
    for name, tensor in first.averaged.state_dict().items():
        torch.testing.assert_close(other.averaged.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize(("has", "policy"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_bfloat16_is_taken_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch, has: bool, policy: str) -> None:
    monkeypatch.setattr(tensorflow_learner, "has_bfloat16", lambda _device: has)
    learner = TensorFlowLearner(build_network("raw", CLASSES), _recipe(mixed_precision=True))
    assert {layer.dtype_policy.name for layer in learner.model.layers if layer.weights} == {policy}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"views": Views(count=1, size=40), "features": Features(efficientnet_lite=2, size=64, weight=1.0)},
            r"does not learn the recipe's \[features\]",
        ),
        ({"optimiser": "adamw", "layer_decay": 0.9}, "one learning rate for all layers"),
    ],
)
def test_a_recipe_that_needs_what_is_not_there_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"{sentence}.*--provider pytorch"):
        check_recipe(_recipe(**values))


def test_several_processes_are_refused() -> None:
    with pytest.raises(ValueError, match="in one process"):
        providers.check_provider("tensorflow", _recipe(), 2)
