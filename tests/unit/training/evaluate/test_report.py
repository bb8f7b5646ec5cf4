"""Reports from probabilities, wherever they came from."""

import numpy as np
import pytest

from training.evaluate.mistakes import worst_mistakes
from training.evaluate.report import drift_reference, make_report, report_out_of_distribution

CLASSES = ("cup", "plate", "spoon")
#: Six answers; the last two are wrong, the very last one surely so.
PROBABILITIES = np.array(
    [[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.4, 0.35, 0.25], [0.02, 0.95, 0.03]]
)
LABELS = np.array([0, 0, 1, 2, 1, 2])


def test_a_report_says_what_scikit_learn_says_by_class() -> None:
    report = make_report(PROBABILITIES, LABELS, CLASSES, threshold=0.5)
    assert report.count == 6
    assert report.metrics["accuracy"] == pytest.approx(4 / 6)
    assert report.confusion == ((2, 0, 0), (1, 1, 0), (0, 1, 1))
    spoon = report.per_class["spoon"]
    assert (spoon.precision, spoon.recall, spoon.support) == (1, 0.5, 2)
    assert spoon.f1 == pytest.approx(2 / 3)
    low, high = spoon.f1_interval
    assert low <= spoon.f1 <= high
    assert report.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.8, 0.8, 0.35, 0.03]).mean())


def test_not_sure_flags_what_lies_under_the_threshold() -> None:
    selective = make_report(PROBABILITIES, LABELS, CLASSES, threshold=0.5).selective
    assert selective.flagged == pytest.approx(1 / 6)
    assert selective.accuracy_of_rest == pytest.approx(4 / 5)
    assert selective.mistakes_flagged == pytest.approx(1 / 2)


def test_shares_of_nothing_are_null() -> None:
    assert make_report(PROBABILITIES, LABELS, CLASSES, threshold=1.0).selective.accuracy_of_rest is None
    right = PROBABILITIES.argmax(axis=1)
    assert make_report(PROBABILITIES, right, CLASSES, threshold=0.5).selective.mistakes_flagged is None


def test_leaving_out_duplicates_changes_the_metrics_of_the_rest() -> None:
    report = make_report(PROBABILITIES, LABELS, CLASSES, threshold=0.5, duplicates=[4, 5])
    assert report.without_duplicates is not None
    assert report.without_duplicates.left_out == 2
    assert report.without_duplicates.metrics is not None
    assert report.without_duplicates.metrics["accuracy"] == 1
    assert make_report(PROBABILITIES, LABELS, CLASSES, threshold=0.5).without_duplicates is None


def test_the_uncalibrated_error_is_that_of_the_uncalibrated_answers() -> None:
    flat = np.full_like(PROBABILITIES, 0.01)
    flat[np.arange(6), PROBABILITIES.argmax(axis=1)] = 0.98
    report = make_report(PROBABILITIES, LABELS, CLASSES, threshold=0.5, uncalibrated=flat)
    assert report.ece_uncalibrated == pytest.approx(0.98 - 4 / 6)
    assert report.ece != report.ece_uncalibrated
    assert make_report(PROBABILITIES, LABELS, CLASSES, threshold=0.5).ece_uncalibrated is None


def test_out_of_distribution_with_less_confidence_are_told_apart() -> None:
    unsure = np.full((5, 3), 1 / 3)
    report = report_out_of_distribution(PROBABILITIES, unsure, threshold=0.5)
    assert (report.auroc, report.flagged, report.over_99, report.count) == (1.0, 1.0, 0.0, 5)
    sure = np.array([[0.999, 0.0005, 0.0005]] * 4)
    assert report_out_of_distribution(PROBABILITIES, sure, threshold=0.5).auroc == 0
    assert report_out_of_distribution(PROBABILITIES, sure, threshold=0.5).over_99 == 1


def test_the_drift_reference_describes_the_answers() -> None:
    reference = drift_reference(PROBABILITIES, np.linspace(0, 100, 6), CLASSES, threshold=0.5)
    assert reference.class_shares == pytest.approx({"cup": 3 / 6, "plate": 2 / 6, "spoon": 1 / 6})
    assert reference.low_confidence_share == pytest.approx(1 / 6)
    assert len(reference.confidence_deciles) == len(reference.brightness_deciles) == 9
    assert reference.brightness_deciles[4] == pytest.approx(50)


def test_the_worst_mistake_comes_first() -> None:
    worst = worst_mistakes(PROBABILITIES, LABELS)
    assert [mistake.index for mistake in worst] == [5, 4]
    assert (worst[0].answer, worst[0].label, worst[0].answer_probability, worst[0].label_probability) == (
        1, 2, 0.95, 0.03,
    )  # fmt: skip
    assert len(worst_mistakes(PROBABILITIES, LABELS, most=1)) == 1
