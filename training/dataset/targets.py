"""The target of each photo, a distribution over the classes, and how often the photo is drawn."""

from collections.abc import Sequence

import torch

from training.dataset.entries import UNLABELLED

#: Labels that some places do not tell apart: what they call the first may be the second.
DOUBTFUL = ("paper", "cardboard")


def target_distributions(
    labels: torch.Tensor, places: Sequence[str], classes: Sequence[str], doubtful_shares: tuple[float, float] | None
) -> torch.Tensor:
    """Return what the network should answer for each photo, FP32 [N, classes].

    A labelled photo is its class. A photo of none of the classes asks for the same probability of each (outlier
    exposure, Hendrycks et al., 2019, https://arxiv.org/abs/1812.04606). In a place that has paper and no cardboard,
    "paper" may be either.

    Args:
        labels: INT64 [N], ``UNLABELLED`` for none of the classes.
        places: the place of each photo.
        classes: the class names.
        doubtful_shares: of paper and of cardboard where a place does not tell them apart; the rest is for the other
            classes. None believes the label.
    """
    targets = torch.full((len(labels), len(classes)), 1 / len(classes))
    known = labels != UNLABELLED
    targets[known] = torch.nn.functional.one_hot(labels[known], len(classes)).float()
    if doubtful_shares is None or not set(DOUBTFUL) <= set(classes):
        return targets
    first, second = (classes.index(name) for name in DOUBTFUL)
    sure = {place for place, label in zip(places, labels.tolist(), strict=True) if label == second}
    doubtful = (labels == first) & torch.tensor([place not in sure for place in places])
    targets[doubtful] = (1 - sum(doubtful_shares)) / (len(classes) - 2)
    targets[doubtful, first], targets[doubtful, second] = doubtful_shares
    return targets


def sampling_weights(
    labels: torch.Tensor, places: Sequence[str], *, class_balance: float, place_balance: float, home: float
) -> torch.Tensor:
    """Return how often each photo is to be drawn, FP64 [N].

    Proportional to the count of its class to the power ``-class_balance`` and to that of its place to the power
    ``-place_balance``; ``home`` multiplies the first place, that of the official split.
    """
    names = list(dict.fromkeys(places))
    numbers = torch.tensor([names.index(place) for place in places])
    by_class = torch.bincount(labels + 1).double()[labels + 1] ** -class_balance
    by_place = torch.bincount(numbers).double()[numbers] ** -place_balance
    weights = by_class * by_place
    weights[numbers == 0] *= home
    return weights
