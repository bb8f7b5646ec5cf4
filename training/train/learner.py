"""What a run trains, whichever framework it is written in."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import nn

from training.train.recipes import Recipe, Stage

#: Longest gradient of a step, over all parameters together.
GRADIENT_NORM = 5.0


class Learner(Protocol):
    """A network, its optimiser and the moving average of its weights.

    Whatever the framework, pictures come in and the averaged network goes out as PyTorch's: augmentation, validation
    and checkpoints are written once.
    """

    @property
    def versions(self) -> Mapping[str, str]:
        """The packages that compute, with their versions."""

    @property
    def averaged(self) -> nn.Module:
        """The network with the averaged weights, valid until the next step."""

    def begin(self, stage: Stage) -> None:
        """Begin an epoch: from now on only the layers learn that are trained in ``stage``."""

    def step(
        self, images: torch.Tensor, targets: torch.Tensor, features: torch.Tensor | None, rate: float
    ) -> torch.Tensor:
        """Take one step and return its loss, on the device of the images.

        Args:
            images: FP32 [N, 3, S, S], normalised, channels last in memory.
            targets: FP32 [N, classes], probabilities.
            features: FP16 [N, D] that are to be predicted too, or None.
            rate: learning rate.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return everything that ``load_state_dict`` needs, as tensors, numbers and lists."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""


def learns(parameter: str, recipe: Recipe, stage: Stage) -> bool:
    """Say whether a parameter, by its PyTorch name, is trained in a stage."""
    frozen = any(parameter.startswith(f"{part}.") for part in recipe.frozen)
    return (stage.train == "all" and not frozen) or parameter.startswith("fc.")
