"""A linear head on features that stay as they are: it trains in seconds, so it can be trained without each place."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Photos in a step.
_BATCH = 256


@dataclass(frozen=True)
class Head:
    """How the head is trained.

    Attributes:
        epochs: times that as many photos are drawn as there are.
        rate: peak of the learning rate of AdamW, one cycle (Smith and Topin, 2018, https://arxiv.org/abs/1708.07120).
        dropout: share of the features that a step does not see.
        smoothing: of the targets.
    """

    epochs: int = 8
    rate: float = 4e-3
    dropout: float = 0.3
    smoothing: float = 0.1


def train_head(
    features: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, shares: torch.Tensor, head: Head
) -> nn.Module:
    """Train a linear layer; the same arguments give the same layer.

    Args:
        features: FP32 [N, V, D] of V views of each photo.
        targets: FP32 [N, classes].
        weights: FP64 [N], how often each photo is drawn; 0 leaves it out.
        shares: FP64 [V], how often each view is.
        head: how.

    Returns:
        A module from [M, D] to logits [M, classes], in evaluation mode.
    """
    torch.manual_seed(1)
    layer = nn.Sequential(nn.Dropout(head.dropout), nn.Linear(features.shape[-1], targets.shape[1]))
    optimiser = torch.optim.AdamW(layer.parameters(), lr=head.rate, weight_decay=0.01)
    steps = max(30, head.epochs * int((weights > 0).sum()) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, head.rate, total_steps=steps, pct_start=0.1)
    rows = torch.multinomial(weights, steps * _BATCH, replacement=True)
    views = torch.multinomial(shares, steps * _BATCH, replacement=True)
    for row, view in zip(torch.split(rows, _BATCH), torch.split(views, _BATCH), strict=True):
        loss = functional.cross_entropy(layer(features[row, view]), targets[row], label_smoothing=head.smoothing)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return layer.eval()
