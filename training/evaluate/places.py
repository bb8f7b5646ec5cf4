"""How well a model does at other places: accuracy, and how far its sure answers can be trusted, place by place."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from training.dataset.entries import Entry
from training.dataset.places import NONE
from training.evaluate.report_types import PlaceReport, PlacesMean, PlacesReport

#: Where a place knows no cardboard, it counts cartons as paper.
_MAY_BE = {"paper": "cardboard"}

Predict = Callable[[Sequence[Entry]], np.ndarray]


def correct_answers(answers: np.ndarray, labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Say which answers are right, BOOL [N].

    Args:
        answers: indices into ``classes``, [N].
        labels: the true class of each photo, [N]; all photos of one place.
        classes: the class names.
    """
    known = set(labels)
    named = [classes[answer] for answer in answers]
    return np.array(
        [
            answer == label or (answer == _MAY_BE.get(label) and answer not in known)
            for answer, label in zip(named, labels, strict=True)
        ],
        dtype=bool,
    )


def report_place(
    probabilities: np.ndarray, labels: Sequence[str], classes: Sequence[str], *, threshold: float
) -> PlaceReport:
    """Compare a model's answers at one place with the truth.

    Args:
        probabilities: calibrated, [N, classes].
        labels: the true class of each photo, or '' for none of them, [N]; at least one is a class.
        classes: the class names.
        threshold: the confidence under which an answer is "not sure".
    """
    is_none = np.array([label == NONE for label in labels], dtype=bool)
    sure = probabilities.max(axis=1) >= threshold
    known = [label for label in labels if label != NONE]
    answers = probabilities[~is_none].argmax(axis=1)
    correct = correct_answers(answers, known, classes)
    truth = np.array([classes.index(label) for label in known])
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (truth, answers), 1)
    known_sure = sure[~is_none]
    return PlaceReport(
        count=len(known),
        accuracy=float(correct.mean()),
        balanced_accuracy=float(np.mean([correct[truth == label].mean() for label in np.unique(truth)])),
        sure=float(known_sure.mean()),
        right_when_sure=float(correct[known_sure].mean()) if known_sure.any() else None,
        confusion=tuple(map(tuple, confusion.tolist())),
        none_count=int(is_none.sum()),
        none_sure=float(sure[is_none].mean()) if is_none.any() else None,
    )


def mean_of(reports: Collection[PlaceReport]) -> PlacesMean:
    """Return the means over places, each counted once."""
    trusted = [report.right_when_sure for report in reports if report.right_when_sure is not None]
    return PlacesMean(
        places=len(reports),
        accuracy=float(np.mean([report.accuracy for report in reports])),
        balanced_accuracy=float(np.mean([report.balanced_accuracy for report in reports])),
        sure=float(np.mean([report.sure for report in reports])),
        right_when_sure=float(np.mean(trusted)) if trusted else None,
    )


def check_held_out(held_out: Sequence[str], places: Collection[str]) -> None:
    """Refuse the name of a held-out place that is not there.

    Raises:
        ValueError: naming it and the places that are there.
    """
    if unknown := [name for name in held_out if name not in places]:
        raise ValueError(f"there is no place {unknown[0]} to hold out; there are {', '.join(sorted(places))}")


def report_places(
    places: Mapping[str, Sequence[Entry]],
    predict: Predict,
    classes: Sequence[str],
    *,
    threshold: float,
    held_out: Sequence[str] = (),
) -> PlacesReport:
    """Measure a model at every place.

    Args:
        places: the photos of each place, by its name (``training.dataset.places.read_places``).
        predict: returns calibrated probabilities [N, classes] for photos, by the network or by the server.
        classes: the class names.
        threshold: the confidence under which an answer is "not sure".
        held_out: names of the places that no choice and no training saw.

    Raises:
        ValueError: a held-out place is not among the places.
    """
    check_held_out(held_out, places)
    reports = {
        name: report_place(predict(entries), [entry.label for entry in entries], classes, threshold=threshold)
        for name, entries in places.items()
    }
    return PlacesReport(
        places=reports,
        mean=mean_of(reports.values()),
        held_out=tuple(sorted(set(held_out))),
        held_out_mean=mean_of([reports[name] for name in sorted(set(held_out))]) if held_out else None,
    )
