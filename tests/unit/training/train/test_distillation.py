"""Teachers: a network's probabilities, and features that are learnt to be predicted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from tests.unit.training.train.conftest import CLASSES, Entries, Train, Trained
from training.dataset.specification import Specification
from training.models.build import build_network
from training.train import features
from training.train.checkpoints import load_run
from training.train.distillation import Teacher
from training.train.engine import Epoch, train_epoch
from training.train.pytorch_learner import PyTorchLearner
from training.train.recipes import Distillation, Features, Recipe, Views
from training.train.run import RunData
from training.train.state import TrainingState
from training.train.training_set import TrainingSet


class Sure(nn.Module):
    """Sure that every picture is of the first of two classes."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, 2]."""
        return torch.tensor([[50.0, 0.0]]).expand(len(images), 2)


@pytest.mark.parametrize(("home_only", "second"), [(False, [0.3, 0.7]), (True, [0.0, 1.0])])
def test_a_teacher_is_believed_as_far_as_the_recipe_says(home_only: bool, second: list[float]) -> None:
    labels = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    teacher = Teacher(Sure(), Distillation(share=0.3, size=32, home_only=home_only), mixed=False)
    targets = teacher.teach(torch.zeros(2, 3, 32, 32), labels, torch.tensor([True, False]))
    torch.testing.assert_close(targets, torch.tensor([[0.3, 0.7], second]))


def test_a_teacher_that_is_all_that_counts_corrects_wrong_labels(
    run: Train, trained: Trained, two_classes: Entries, small: Specification, tmp_path: Path
) -> None:
    train_entries, val_entries = two_classes
    other = {"cup": "plate", "plate": "cup"}
    wrong = [replace(entry, label=other[entry.label]) for entry in train_entries]
    # At 48 pixels, which it was not trained at, this teacher sees one class only where there is no AVX-512.
    taught = trained.recipe.model_copy(update={"teacher": Distillation(share=1, size=32)})
    data = RunData(wrong, val_entries, CLASSES, small)
    result = run(tmp_path, recipe=taught, data=data, teacher_weights=trained.result.weights)
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
    photos = TrainingSet(
        pixels[:, None], torch.eye(2).repeat(4, 1), torch.ones(8), torch.ones(1), torch.ones(8, dtype=torch.bool)
    )
    state = TrainingState(PyTorchLearner(student, taught), torch.Generator().manual_seed(1))
    epoch = Epoch(
        taught, recipe.stages[0], small, 0, 1, Teacher(teacher, Distillation(share=0.5, size=64), mixed=False)
    )
    train_epoch(state, photos, [torch.arange(8)], epoch, lambda _loss, _rate: None)
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


def test_features_of_a_teacher_are_learnt_to_be_predicted(
    run: Train, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extractor(_number: int, *, size: int, input_size: int) -> Callable[[np.ndarray], np.ndarray]:
        assert (size, input_size) == (64, 40)
        return lambda pixels: np.stack([pixels.mean((1, 2, 3)), pixels[:, 0].mean((1, 2)), pixels.std((1, 2, 3))], 1)

    monkeypatch.setattr(features, "feature_extractor", extractor)
    settings = {"views": Views(count=1, size=40), "features": Features(efficientnet_lite=2, size=64, weight=1.0)}
    taught = recipe.with_epochs(2).model_copy(update=settings)
    result = run(tmp_path, recipe=taught)
    losses = [row["train_loss"] for row in load_run(tmp_path / "last.pt")["history"]]
    assert losses[-1] < losses[0]
    assert set(load_file(result.weights)) == set(build_network("raw", 2).state_dict())
