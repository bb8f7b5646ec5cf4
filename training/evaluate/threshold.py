"""The rule that the confidence threshold of a card is chosen by."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.dataset.entries import Entry
from training.dataset.places import NONE
from training.evaluate.calibration import FLAGGED_SHARE, threshold_for
from training.evaluate.places import Predict, correct_answers

VALIDATION_RULE = f"{FLAGGED_SHARE:.0%} of the validation images are under it"


@dataclass(frozen=True)
class SureAnswers:
    """Answers to choose a threshold by, such that sure ones are right in ``wanted`` of the cases.

    Every place counts the same, however many answers it has.
    """

    confidences: np.ndarray
    correct: np.ndarray
    places: tuple[str, ...]
    wanted: float
    source: str

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


def sure_answers(
    places: Mapping[str, Sequence[Entry]], predict: Predict, classes: Sequence[str], wanted: float
) -> SureAnswers:
    """Ask a network about places; photos of none of the classes are left out."""
    confidences, correct, names = [], [], []
    for name, entries in places.items():
        known = [entry for entry in entries if entry.label != NONE]
        probabilities = predict(known)
        confidences.append(probabilities.max(axis=1))
        correct.append(correct_answers(probabilities.argmax(axis=1), [entry.label for entry in known], classes))
        names += [name] * len(known)
    source = ", ".join(places)
    return SureAnswers(np.concatenate(confidences), np.concatenate(correct), tuple(names), wanted, source)


def read_sure_answers(path: Path, wanted: float) -> SureAnswers:
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
    return SureAnswers(np.array(confidences), np.array(correct, dtype=bool), places, wanted, path.name)
