"""Training on the GPU: it learns, and no step waits for the device."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from training.dataset.specification import load_specification
from training.models.build import build_network
from training.train.distillation import Teacher
from training.train.engine import Epoch, predict_logits, train_epoch
from training.train.pytorch_learner import PyTorchLearner
from training.train.recipes import Distillation, load_recipe
from training.train.state import TrainingState
from training.train.training_set import TrainingSet

pytestmark = pytest.mark.gpu
CLASSES, SIDE, BATCH, STEPS = 6, 80, 32, 6
DEVICE = torch.device("cuda")


@pytest.fixture
def quiet_device() -> Iterator[None]:
    """Whatever a test did with the device's warnings is undone."""
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("taught", [False, True], ids=["by labels", "by a teacher"])
@pytest.mark.parametrize("model_type", ["raw", "pretrained"])
@pytest.mark.usefixtures("quiet_device")
def test_no_step_waits_for_the_device(model_type: str, taught: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (64, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    targets = torch.eye(CLASSES)[torch.randint(0, CLASSES, (64,), generator=generator)]
    photos = TrainingSet(pixels[:, None], targets, torch.ones(64), torch.ones(1), torch.ones(64, dtype=torch.bool)).to(
        DEVICE
    )
    network: nn.Module = build_network(model_type, CLASSES).to(DEVICE, memory_format=torch.channels_last)  # type: ignore[call-overload]
    settings = Distillation(share=0.5, size=64)
    recipe = load_recipe("raw_gpu").model_copy(update={"teacher": settings if taught else None})
    teacher = Teacher(build_network("raw", CLASSES).to(DEVICE), settings, mixed=True) if taught else None
    batches = [torch.randint(0, 64, (BATCH,), generator=generator) for _ in range(STEPS)]
    losses: list[torch.Tensor] = []

    def on_step(loss: torch.Tensor, _rate: float) -> None:
        losses.append(loss)
        # From the second step to the last: what waits then raises an error. The mean after the last may wait.
        torch.cuda.set_sync_debug_mode("error" if len(losses) < STEPS else "default")

    stage = recipe.stages[0].model_copy(update={"size": 64, "mixing": True})
    state = TrainingState(PyTorchLearner(network, recipe), generator)
    epoch = Epoch(recipe, stage, load_specification(), 0, STEPS, teacher)
    mean = train_epoch(state, photos, batches, epoch, on_step)
    assert losses[0].device.type == "cuda"
    assert mean == pytest.approx(float(torch.stack(losses).mean()), rel=1e-4)
    logits = predict_logits(network, pixels, load_specification())
    assert logits.shape == (64, CLASSES)
    assert logits.dtype == torch.float32
    assert logits.device.type == "cpu"
