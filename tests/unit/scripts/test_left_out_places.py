"""Heads that are trained without a place, on drawn features of two classes."""

import pytest
import torch

from scripts.left_out_places.__main__ import print_table
from scripts.left_out_places.choices import CHOICES, Choice
from scripts.left_out_places.left_out import VALIDATION, Photos, predict, train_without
from training.dataset.entries import Entry

CLASSES = ("cup", "plate")


def photos(*, street_is_wrong: bool = False) -> Photos:
    """Draw features that tell the classes apart, of four places; none of them is cardboard."""
    generator = torch.Generator().manual_seed(3)
    entries, features = [], []
    for place in ("home", "street", "bin", VALIDATION):
        for row in range(60):
            label = CLASSES[row % 2]
            told = CLASSES[1 - row % 2] if place == "street" and street_is_wrong else label
            entries.append(Entry(b"", told, f"{place}{row}", place=place))
            sign = 1.0 if label == "cup" else -1.0
            features.append(sign + 0.15 * torch.randn(2, 4, generator=generator))
    entries.append(Entry(b"", "", "nothing", place="bin"))
    features.append(0.15 * torch.randn(2, 4, generator=generator))
    return Photos(entries, CLASSES, torch.stack(features))


def test_a_head_knows_the_classes_at_a_place_that_it_never_saw() -> None:
    drawn = photos()
    answers = predict(drawn, train_without(drawn, Choice("base"), "bin", ("home",)), "bin")
    assert answers.correct.mean() > 0.9
    assert len(answers.correct) == 60
    assert answers.none_confidences.shape == (1,)
    assert answers.none_confidences[0] < answers.confidences.mean()


def test_what_is_left_out_is_not_learnt() -> None:
    drawn = photos(street_is_wrong=True)
    alone = Choice("no other places", places=False)
    for choice, place in ((Choice("base"), "street"), (alone, None)):
        answers = predict(drawn, train_without(drawn, choice, place, ("home",)), VALIDATION)
        assert answers.correct.mean() > 0.9
    misled = Choice("misled", home=1e-6, place_balance=0.0)
    layer = train_without(drawn, misled, "bin", ("home",))
    assert predict(drawn, layer, VALIDATION).correct.mean() < 0.3


def test_the_table_has_a_row_for_each_choice(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(photos(), ("street", "bin"), ("home",))
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows] == [f"| {choice.name}" for choice in CHOICES]
    mean, validation = (float(cell) for cell in rows[0].split(" | ")[1:3])
    assert min(mean, validation) > 0.9
