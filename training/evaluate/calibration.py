"""Calibration: how far a probability may be taken at its word, and from where on an answer counts as sure."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

#: Share of the validation photos that the confidence threshold flags as "not sure".
FLAGGED_SHARE = 0.1
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

    One number that divides all logits: it changes no answer, only how sure it claims to be (Guo et al., 2017,
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


def confidence_threshold(confidences: np.ndarray) -> float:
    """Return the confidence that a tenth of the validation photos, [N], stay under.

    The rule asks for no accuracy, so it holds for a model of any quality: about one photo in ten of the kind it knows
    is flagged. What that buys, the card says: the accuracy of the rest, and the shares of mistakes and of unknown
    things that are flagged.
    """
    return float(np.quantile(confidences, FLAGGED_SHARE))


def threshold_for(
    confidences: np.ndarray, correct: np.ndarray, wanted: float, weights: np.ndarray | None = None
) -> float:
    """Return the lowest confidence threshold at which sure answers are right often enough.

    Sure answers are those with a confidence at or over the threshold. The lower it is, the more answers are sure.

    Args:
        confidences: largest probability of each answer, [N]; of photos that neither training nor calibration saw.
        correct: whether each answer is right, BOOL [N].
        wanted: share of the sure answers that must be right, 0 to 1.
        weights: how much each answer counts, [N]; all the same by default.

    Returns:
        The threshold; 1.0, under which nearly every answer stays, where no threshold reaches ``wanted``.

    Raises:
        ValueError: there is no answer, or ``wanted`` is no share.
    """
    if not len(confidences):
        raise ValueError("a confidence threshold needs at least one answer to be chosen by")
    if not 0 <= wanted <= 1:
        raise ValueError(f"right when sure is a share between 0 and 1, not {wanted}")
    counted = np.ones(len(confidences)) if weights is None else weights
    order = np.argsort(-confidences, kind="stable")
    sorted_confidences = confidences[order]
    share = np.cumsum((counted * correct)[order]) / np.cumsum(counted[order])
    # Answers of equal confidence are sure together: a threshold lies only behind the last of them.
    is_last = np.append(sorted_confidences[1:] != sorted_confidences[:-1], True)
    reached = np.flatnonzero(is_last & (share >= wanted - 1e-12))
    return float(sorted_confidences[reached[-1]]) if len(reached) else 1.0


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = _BINS) -> list[ReliabilityBin]:
    """Part answers, probabilities [N, classes] and labels [N], by confidence into bins of equal width.

    Empty bins are left out.
    """
    confidences = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    # A confidence of exactly 1 belongs to the last bin.
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(
            float(edges[place]),
            float(edges[place + 1]),
            int(chosen.sum()),
            float(confidences[chosen].mean()),
            float(correct[chosen].mean()),
        )
        for place in range(bins)
        if (chosen := places == place).any()
    ]


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean distance of confidence and accuracy over 15 bins, weighted by their counts.

    Naeini et al., 2015, https://doi.org/10.1609/aaai.v29i1.9602; the bins are those of Guo et al., 2017.
    """
    table = reliability(probabilities, labels)
    return sum(row.count * abs(row.confidence - row.accuracy) for row in table) / len(labels)
