"""Calibration: a temperature for the logits, and how far confidence and accuracy differ."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

_BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers whose confidence lies between ``low`` and ``high``."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the temperature that minimises the log loss of logits [N, classes] against labels [N].

    One number that divides all logits: it changes no prediction, only the confidence (Guo et al., 2017,
    https://arxiv.org/abs/1706.04599). It is sought between 0.05 and 20, so a split without a mistake has an end.
    """
    logits, labels = logits.double(), labels.long()
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")
    bound = float(np.log(20.0))

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(logits / log_temperature.clamp(-bound, bound).exp(), labels)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return float(log_temperature.detach().clamp(-bound, bound).exp())


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = _BINS) -> list[ReliabilityBin]:
    """Part answers, probabilities [N, classes] and labels [N], by confidence into bins of equal width.

    Empty bins are left out.
    """
    confidences = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    # A confidence of exactly 1 belongs to the last bin.
    indices = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(
            float(edges[index]),
            float(edges[index + 1]),
            int(chosen.sum()),
            float(confidences[chosen].mean()),
            float(correct[chosen].mean()),
        )
        for index in range(bins)
        if (chosen := indices == index).any()
    ]


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean distance of confidence and accuracy over 15 bins, weighted by their counts.

    Naeini et al., 2015, https://doi.org/10.1609/aaai.v29i1.9602; the bins are those of Guo et al., 2017.
    """
    table = reliability(probabilities, labels)
    return sum(row.count * abs(row.confidence - row.accuracy) for row in table) / len(labels)
