"""The confidence threshold of a card, under which a prediction is "not sure", and the rule that it is chosen by."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.atomic_write import write_atomically
from training.dataset.entries import Entry
from training.dataset.places import NONE
from training.evaluate.places import Predict, correct_answers

#: Share of the validation photos that the confidence threshold flags as "not sure".
FLAGGED_SHARE = 0.1
VALIDATION_RULE = f"{FLAGGED_SHARE:.0%} of the validation images are under it"


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
    """Return the lowest confidence threshold with the wanted selective accuracy.

    Selective accuracy is that of the predictions with a confidence at or over the threshold. The lower the threshold,
    the more predictions it covers.

    Args:
        confidences: largest probability of each prediction, [N]; of photos that neither training nor calibration saw.
        correct: whether each prediction is right, BOOL [N].
        wanted: the selective accuracy, 0 to 1.
        weights: how much each prediction counts, [N]; all the same by default.

    Returns:
        The threshold; 1.0, which nearly no prediction reaches, where none gives ``wanted``.

    Raises:
        ValueError: there is no prediction, or ``wanted`` is no share.
    """
    if not len(confidences):
        raise ValueError("a confidence threshold needs at least one prediction to be chosen by")
    if not 0 <= wanted <= 1:
        raise ValueError(f"right when sure is a share between 0 and 1, not {wanted}")
    counted = np.ones(len(confidences)) if weights is None else weights
    order = np.argsort(-confidences, kind="stable")
    sorted_confidences = confidences[order]
    share = np.cumsum((counted * correct)[order]) / np.cumsum(counted[order])
    # A threshold covers predictions of equal confidence together: only the last of them can be one.
    is_last = np.append(sorted_confidences[1:] != sorted_confidences[:-1], True)
    reached = np.flatnonzero(is_last & (share >= wanted - 1e-12))
    return float(sorted_confidences[reached[-1]]) if len(reached) else 1.0


@dataclass(frozen=True)
class ThresholdPredictions:
    """Predictions to choose a threshold by. Every place counts the same, however many predictions it has.

    Attributes:
        confidences: largest probability of each, FP [N].
        correct: whether each is right, BOOL [N].
        places: the place of each, [N].
        wanted: the selective accuracy that the threshold has to give, 0 to 1.
        source: where the predictions come from, in words for the card.
    """

    confidences: np.ndarray
    correct: np.ndarray
    places: tuple[str, ...]
    wanted: float = 0.0
    source: str = ""

    def threshold(self) -> float:
        """Return the lowest threshold that gives ``wanted``."""
        counts = Counter(self.places)
        weights = np.array([1 / counts[place] for place in self.places])
        return threshold_for(self.confidences, self.correct, self.wanted, weights)

    @property
    def rule(self) -> str:
        """Return the rule in words, for the card."""
        return (
            f"lowest at which sure answers are right in {self.wanted:.0%} of the cases on {len(self.places)} images "
            f"of {len(set(self.places))} places ({self.source})"
        )


def predict_for_threshold(
    places: Mapping[str, Sequence[Entry]], predict: Predict, classes: Sequence[str], wanted: float
) -> ThresholdPredictions:
    """Let a network predict photos of places; those of none of the classes are left out."""
    confidences, correct, names = [], [], []
    for name, entries in places.items():
        known = [entry for entry in entries if entry.label != NONE]
        probabilities = predict(known)
        confidences.append(probabilities.max(axis=1))
        correct.append(correct_answers(probabilities.argmax(axis=1), [entry.label for entry in known], classes))
        names += [name] * len(known)
    source = ", ".join(places)
    return ThresholdPredictions(np.concatenate(confidences), np.concatenate(correct), tuple(names), wanted, source)


def read_threshold_predictions(path: Path, wanted: float) -> ThresholdPredictions:
    """Read predictions for left-out places: CSV with the columns confidence, correct (0 or 1) and place.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing, a value is wrong, or there is no row.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path} with left-out predictions")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        confidences = [float(row["confidence"]) for row in rows]
        correct = [bool(int(row["correct"])) for row in rows]
        places = tuple(row["place"] for row in rows)
    except (KeyError, ValueError, TypeError) as exc:
        raise ValueError(f"{path} needs the columns confidence, correct (0 or 1) and place: {exc!r}") from exc
    if not rows:
        raise ValueError(f"{path} holds no prediction")
    return ThresholdPredictions(np.array(confidences), np.array(correct, dtype=bool), places, wanted, path.name)


def write_threshold_predictions(predictions: ThresholdPredictions, output: Path) -> None:
    """Write what ``read_threshold_predictions`` reads."""
    rows = zip(predictions.confidences, predictions.correct, predictions.places, strict=True)

    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("confidence", "correct", "place"))
            writer.writerows((f"{confidence:.6f}", int(right), place) for confidence, right, place in rows)

    write_atomically(output, write)
