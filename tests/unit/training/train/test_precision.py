"""A training step on a GPU that is not there: fake tensors know every rule about devices, and compute nothing."""

from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from training.dataset import augmentation, preprocessing
from training.dataset.specification import load_specification
from training.models.build import build_network
from training.train import engine, pytorch_learner
from training.train.pytorch_learner import PyTorchLearner
from training.train.recipes import load_recipe
from training.train.state import TrainingState
from training.train.training_set import TrainingSet

STEPS = 8


class WholeStepsDone(Exception):  # noqa: N818 - no error
    """Ends the epoch before its mean is read: fake tensors have no values."""


class Idle:
    """In the place of optimiser and moving average: the backward pass and copies of a network need a real device."""

    param_groups: tuple[dict[str, float], ...] = ({"scale": 1.0},)

    def update_parameters(self, _network: nn.Module) -> None:
        """Nothing."""

    def zero_grad(self, *, set_to_none: bool) -> None:
        """Nothing."""

    def step(self) -> None:
        """Nothing."""


@pytest.mark.filterwarnings("ignore:CUDA is not available or torch_xla is imported")
@pytest.mark.parametrize("model_type", ["raw", "pretrained"])
def test_no_step_mixes_devices(monkeypatch: pytest.MonkeyPatch, model_type: str) -> None:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    moved: list[torch.Size] = []

    def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
        moved.append(tensor.shape)
        return tensor.to(device)

    for module in (augmentation, engine, preprocessing):
        monkeypatch.setattr(module, "to_device", to_device)
    monkeypatch.setattr(torch.Tensor, "backward", lambda _loss: None)
    # These two decide by drawn values, which fake tensors do not have; they only cut and blend.
    monkeypatch.setattr(engine, "erase", lambda images, *_: images)
    monkeypatch.setattr(engine, "mix", lambda images, targets, *_: (images, targets))
    with mode, torch.device("cuda"):
        network = build_network(model_type, 6)
        pixels = torch.empty((40, 3, 80, 80), dtype=torch.uint8)
        targets = torch.empty((40, 6))
    photos = TrainingSet(pixels[:, None], targets, torch.ones(40), torch.ones(1), torch.ones(40, dtype=torch.bool))
    losses: list[torch.Tensor] = []

    def on_step(loss: torch.Tensor, _rate: float) -> None:
        losses.append(loss)
        if len(losses) == STEPS:
            raise WholeStepsDone

    recipe = load_recipe("raw_gpu")
    generator = torch.Generator().manual_seed(1)
    batches = [torch.randint(0, 40, (16,), generator=generator) for _ in range(STEPS)]
    monkeypatch.setattr(pytorch_learner, "ExponentialMovingAverage", lambda *_: Idle())
    learner: Any = PyTorchLearner(network, recipe)
    learner.optimiser = Idle()
    state = TrainingState(learner, generator)
    stage = recipe.stages[0].model_copy(update={"size": 64})
    epoch = engine.Epoch(recipe, stage, load_specification(), 0, STEPS)
    with mode, pytest.raises(WholeStepsDone):
        engine.train_epoch(state, photos, batches, epoch, on_step)
    assert {loss.device.type for loss in losses} == {"cuda"}
    # Only what is drawn at random, the order and the constants of the normalisation travel, and they are small.
    assert max(shape.numel() for shape in moved) <= 16 * 6
