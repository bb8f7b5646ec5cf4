"""What photos teach: their class, an even answer, or paper that may be cardboard; and how often they are drawn."""

import pytest
import torch

from training.dataset.entries import UNLABELLED
from training.dataset.targets import sampling_weights, target_distributions

CLASSES = ("glass", "paper", "cardboard")
LABELS = torch.tensor([0, 1, 2, 1, UNLABELLED])
PLACES = ("home", "home", "home", "bin", "bin")


def test_paper_of_a_place_without_cardboard_may_be_either() -> None:
    targets = target_distributions(LABELS, PLACES, CLASSES, (0.6, 0.3))
    assert targets[1].tolist() == [0, 1, 0]
    assert targets[3].tolist() == pytest.approx([0.1, 0.6, 0.3])
    assert torch.allclose(targets.sum(dim=1), torch.ones(5))


def test_a_photo_of_none_asks_for_an_even_answer() -> None:
    targets = target_distributions(LABELS, PLACES, CLASSES, None)
    assert targets[4].tolist() == pytest.approx([1 / 3] * 3)
    assert targets[3].tolist() == [0, 1, 0]


def test_classes_without_paper_are_believed() -> None:
    targets = target_distributions(torch.tensor([0, 1]), ("home", "bin"), ("cup", "plate"), (0.6, 0.3))
    assert targets.tolist() == [[1, 0], [0, 1]]


def test_rare_classes_and_small_places_are_drawn_more_often() -> None:
    weights = sampling_weights(LABELS, PLACES, class_balance=1.0, place_balance=0.5, home=2.0)
    assert weights[0] == pytest.approx(weights[2])
    assert weights[0] / weights[1] == pytest.approx(2)  # one photo of glass, two of paper
    assert weights[1] / weights[3] == pytest.approx(2 * (2 / 3) ** 0.5)


def test_without_balance_all_are_drawn_alike() -> None:
    weights = sampling_weights(LABELS, PLACES, class_balance=0.0, place_balance=0.0, home=1.0)
    assert weights.tolist() == [1.0] * 5


@pytest.mark.parametrize(("balance", "expected"), [(0.0, 100 / 110), (0.5, 0.76), (1.0, 0.5)])
def test_balance_draws_rare_classes_more_often(balance: float, expected: float) -> None:
    labels = torch.tensor([0] * 100 + [1] * 10)
    weights = sampling_weights(labels, ["home"] * 110, class_balance=balance, place_balance=0.0, home=1.0)
    assert float(weights[:100].sum() / weights.sum()) == pytest.approx(expected, abs=0.01)
