"""Measuring by place, and the rule that the confidence threshold is chosen by."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from training.dataset.entries import Entry
from training.evaluate.places import correct_answers, report_place, report_places
from training.evaluate.summary import describe_places
from training.evaluate.threshold import (
    ThresholdPredictions,
    predict_for_threshold,
    read_threshold_predictions,
    threshold_for,
)

CLASSES = ("glass", "paper", "cardboard")
GLASS, PAPER, CARDBOARD = (0.8, 0.1, 0.1), (0.2, 0.6, 0.2), (0.1, 0.2, 0.7)


def test_cardboard_counts_for_paper_where_there_is_no_cardboard() -> None:
    answers = np.array([2, 1, 0, 0])
    assert correct_answers(answers, ["paper", "paper", "paper", "glass"], CLASSES).tolist() == [True, True, False, True]
    assert correct_answers(answers, ["paper", "paper", "cardboard", "glass"], CLASSES).tolist() == [
        *(False, True, False, True)
    ]


def test_a_place_is_measured_by_its_own_classes() -> None:
    probabilities = np.array([GLASS, GLASS, GLASS, CARDBOARD, PAPER, GLASS])
    labels = ["glass", "glass", "paper", "paper", "", ""]
    report = report_place(probabilities, labels, CLASSES, threshold=0.75)
    assert (report.count, report.none_count) == (4, 2)
    assert report.accuracy == pytest.approx(3 / 4)
    assert report.balanced_accuracy == pytest.approx((1 + 1 / 2) / 2)
    assert report.sure == pytest.approx(3 / 4)
    assert report.right_when_sure == pytest.approx(2 / 3)
    assert report.none_sure == pytest.approx(1 / 2)
    assert report.confusion == ((2, 0, 0), (1, 0, 1), (0, 0, 0))
    assert report_place(probabilities, labels, CLASSES, threshold=0.9).right_when_sure is None


def test_every_place_counts_once_in_the_means() -> None:
    said = {"big": [GLASS] * 8, "small": [PAPER, GLASS], "third": [CARDBOARD]}
    labels = {"big": "glass", "small": "paper", "third": "glass"}
    places = {name: [Entry(b"", labels[name], name)] * len(said[name]) for name in said}

    def predict(entries: Sequence[Entry]) -> np.ndarray:
        return np.array(said[entries[0].name])

    report = report_places(places, predict, CLASSES, threshold=0.65, held_out=["third", "small"])
    assert report.mean.accuracy == pytest.approx((1 + 0.5 + 0) / 3)
    assert report.held_out == ("small", "third")
    assert report.held_out_mean is not None
    assert report.held_out_mean.accuracy == pytest.approx(0.25)
    assert report.held_out_mean.right_when_sure == pytest.approx(0)
    text = describe_places(report)
    assert "small *" in text
    assert "mean over held-out places" in text
    with pytest.raises(ValueError, match="there is no place fourth to hold out; there are big, small, third"):
        report_places(places, predict, CLASSES, threshold=0.65, held_out=["fourth"])


def test_the_threshold_is_the_lowest_that_gives_what_is_wanted() -> None:
    confidences = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    correct = np.array([True, True, False, True, False])
    assert threshold_for(confidences, correct, 0.75) == 0.6
    assert threshold_for(confidences, correct, 1.0) == 0.8
    assert threshold_for(confidences, correct, 0.5) == 0.5
    assert threshold_for(confidences, ~correct, 1.0) == 1.0


def test_a_threshold_covers_predictions_of_equal_confidence_together() -> None:
    confidences, correct = np.array([0.9, 0.6, 0.6, 0.6]), np.array([True, True, False, False])
    assert threshold_for(confidences, correct, 0.9) == 0.9


def test_every_place_counts_the_same_for_the_threshold() -> None:
    confidences = np.array([0.9] * 9 + [0.6])
    correct = np.array([True] * 9 + [False])
    assert threshold_for(confidences, correct, 0.8) == 0.6
    predictions = ThresholdPredictions(confidences, correct, ("big",) * 9 + ("small",), 0.8, "two places")
    assert predictions.threshold() == 0.9
    assert "80% of the cases on 10 images of 2 places (two places)" in predictions.rule


@pytest.mark.parametrize(("count", "wanted", "match"), [(0, 0.8, "at least one prediction"), (1, 80, "a share")])
def test_a_threshold_needs_predictions_and_a_share(count: int, wanted: float, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        threshold_for(np.ones(count), np.ones(count, dtype=bool), wanted)


def test_predictions_for_the_threshold_leave_out_photos_of_none_of_the_classes() -> None:
    entries = [Entry(b"", label, "x") for label in ("paper", "", "glass")]
    predictions = predict_for_threshold({"street": entries}, lambda _: np.array([CARDBOARD, PAPER]), CLASSES, 0.8)
    assert predictions.confidences.tolist() == [0.7, 0.6]
    assert predictions.correct.tolist() == [True, False]


def test_left_out_predictions_come_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "left_out.csv"
    with pytest.raises(FileNotFoundError, match="left-out predictions"):
        read_threshold_predictions(path, 0.8)
    path.write_text("confidence,correct,place\n0.9,1,street\n0.4,0,bin\n")
    predictions = read_threshold_predictions(path, 0.8)
    assert predictions.threshold() == 0.9
    assert predictions.places == ("street", "bin")
    for text in ("confidence,correct\n0.9,1\n", "confidence,correct,place\nhigh,1,street\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="needs the columns confidence, correct"):
            read_threshold_predictions(path, 0.8)
    path.write_text("confidence,correct,place\n")
    with pytest.raises(ValueError, match="holds no prediction"):
        read_threshold_predictions(path, 0.8)
