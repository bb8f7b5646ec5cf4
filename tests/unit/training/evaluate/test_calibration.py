"""Temperature, threshold, reliability."""

import numpy as np
import pytest
import torch

from training.evaluate.calibration import expected_calibration_error, fit_temperature, reliability
from training.evaluate.threshold import FLAGGED_SHARE, confidence_threshold


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_spoilt_the_logits_is_found(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    calibrated = torch.randn(20_000, 6, generator=generator) * 2
    labels = torch.multinomial(torch.softmax(calibrated, dim=1), 1, generator=generator).flatten()
    assert fit_temperature(calibrated * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_a_split_without_a_mistake_has_a_temperature_too() -> None:
    assert 0.04 < fit_temperature(torch.eye(6) * 3, torch.arange(6)) <= 1


def test_a_tenth_of_the_validation_photos_lies_under_the_threshold() -> None:
    confidences = np.random.default_rng(0).random(1000)
    assert (confidences < confidence_threshold(confidences)).mean() == pytest.approx(FLAGGED_SHARE)


def test_reliability_bins_part_the_answers_by_confidence() -> None:
    probabilities = np.array([[0.95, 0.05], [0.94, 0.06], [0.6, 0.4], [1.0, 0.0]])
    table = reliability(probabilities, np.array([0, 1, 1, 0]))
    assert [row.count for row in table] == [1, 3]
    assert table[0].accuracy == 0
    assert table[1].accuracy == pytest.approx(2 / 3)
    assert table[1].confidence == pytest.approx((0.95 + 0.94 + 1) / 3)
    assert all(row.low <= row.confidence <= row.high for row in table)


def test_the_calibration_error_by_hand() -> None:
    sure = np.array([[0.9, 0.1]] * 10)
    half_right = np.array([0, 1] * 5)
    assert expected_calibration_error(sure, half_right) == pytest.approx(0.4)
    nine_right = np.array([0] * 9 + [1])
    assert expected_calibration_error(sure, nine_right) == pytest.approx(0)
