"""Distillation: the probabilities of a trained network, the teacher, become a share of the targets of another.

Both see the same view of a photo, each at its own size (Hinton et al., 2015, https://arxiv.org/abs/1503.02531; the same
views: Beyer et al., 2022, https://arxiv.org/abs/2106.05237).
"""

import torch
from torch import nn

from training.train.precision import mixed_precision
from training.train.recipes import Distillation


class Teacher:
    """A trained network whose probabilities are part of the targets; it is not trained itself."""

    def __init__(self, network: nn.Module, settings: Distillation, *, mixed: bool) -> None:
        """Take the network.

        Args:
            network: a trained one on the device of the pictures, with the classes of the one to train.
            settings: its share of the targets.
            mixed: whether it computes in mixed precision.
        """
        self._network = network.eval()
        self._settings = settings
        self._mixed = mixed

    @torch.no_grad()
    def teach(self, images: torch.Tensor, targets: torch.Tensor, is_home: torch.Tensor) -> torch.Tensor:
        """Return the targets with the teacher's probabilities blended in.

        Where the recipe wants it only photos of the official split are taught: a network that goes on from the teacher
        keeps what that one knows of them (learning without forgetting, Li and Hoiem, 2016,
        https://arxiv.org/abs/1606.09282), and learns the rest from the labels.

        Args:
            images: FP32 [N, 3, S, S], normalised, of the size that the recipe has for the teacher or larger.
            targets: FP32 [N, classes], probabilities.
            is_home: BOOL [N], which photos are of the official split.
        """
        taught = torch.arange(len(images), device=images.device)
        if self._settings.home_only:
            taught = taught[is_home.to(images.device)]
        if not len(taught):
            return targets
        with mixed_precision(images.device, wanted=self._mixed):
            logits = self._network(images[taught])
        targets = targets.clone()
        targets[taught] = targets[taught].lerp(torch.softmax(logits.float(), dim=1), self._settings.share)
        return targets
