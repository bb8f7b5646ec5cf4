"""The class file."""

from pathlib import Path

import pytest

from training.dataset.classes import read_classes
from training.dataset.entries import OFFICIAL_ORDER


def test_the_classes_stand_in_their_order() -> None:
    assert read_classes() == ("glass", "paper", "cardboard", "plastic", "metal", "trash")


def test_the_official_splits_number_the_classes_in_the_same_order() -> None:
    assert read_classes() == OFFICIAL_ORDER


@pytest.mark.parametrize("text", ["", "glass\n", "glass\npaper\nglass\n"])
def test_a_class_file_with_too_few_or_repeated_names_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="two or more classes"):
        read_classes(tmp_path)


def test_blank_lines_and_spaces_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n cup \n\nplate\n", encoding="utf-8")
    assert read_classes(tmp_path) == ("cup", "plate")
