"""The eight metrics, and the same from confusion matrices, which the bootstrap needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from training.evaluate.bootstrap import class_f1, interval, metrics_of, resampled_confusions
from training.evaluate.metrics import EIGHT, eight_metrics


def test_a_perfect_answer_has_ones_everywhere() -> None:
    assert eight_metrics([0, 1, 2], [0, 1, 2]) == dict.fromkeys(EIGHT, 1.0)


def test_known_values_by_hand() -> None:
    values = eight_metrics([0, 0, 0, 1], [0, 0, 1, 1])
    assert values["accuracy"] == values["f1_micro"] == 0.75
    assert values["balanced_accuracy"] == values["recall_macro"] == pytest.approx((2 / 3 + 1) / 2)
    assert values["precision_macro"] == pytest.approx((1 + 1 / 2) / 2)
    assert values["f1_macro"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert values["f1_weighted"] == pytest.approx((3 * 0.8 + 2 / 3) / 4)
    assert values["mcc"] == pytest.approx((2 * 1 - 1 * 0) / np.sqrt(3 * 2 * 2 * 1))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_confusion_matrices_give_the_metrics_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    # Every class once in the truth: scikit-learn warns about answers of a class that the truth does not have.
    labels = np.array([0, 1, 2, 3] + [label for label, _ in pairs])
    answers = np.array([0, 0, 0, 0] + [answer for _, answer in pairs])
    of_matrix = metrics_of(confusion_matrix(labels, answers, labels=range(4)))
    for name, value in eight_metrics(labels, answers).items():
        assert float(of_matrix[name]) == pytest.approx(value, abs=1e-9), name


def test_resampled_splits_keep_the_count_of_every_class_and_wander_about_the_answers() -> None:
    generator = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    answers = np.where(generator.random(160) < 0.8, labels, (labels + 1) % 3)
    matrices = resampled_confusions(labels, answers, 3)
    assert matrices.shape == (1000, 3, 3)
    assert (matrices.sum(axis=2) == [100, 50, 10]).all()
    np.testing.assert_allclose(matrices.mean(axis=0), confusion_matrix(labels, answers), atol=0.6)
    again = resampled_confusions(labels, answers, 3)
    assert (matrices == again).all()


def test_an_interval_holds_the_value_and_shrinks_with_the_split() -> None:
    widths = []
    for repeats in (1, 16):
        labels = np.repeat([0, 0, 0, 0, 1, 1, 1, 1], 5 * repeats)
        answers = np.where(np.arange(len(labels)) % 5 == 0, 1 - labels, labels)
        low, high = interval(metrics_of(resampled_confusions(labels, answers, 2))["accuracy"])
        assert low < 0.8 < high
        widths.append(high - low)
    assert 3 < widths[0] / widths[1] < 5  # the square root of sixteen


def test_f1_of_a_class_that_nobody_names_is_zero() -> None:
    np.testing.assert_allclose(class_f1(np.array([[3, 0], [0, 0]])), [1, 0])
