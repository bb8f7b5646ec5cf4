"""``classes.json``: names, advice and colours of the classes."""

import json
from pathlib import Path

import pytest

from training.dataset.class_descriptions import read_class_descriptions
from training.dataset.classes import MODEL_REPOSITORY, read_classes

CLASSES = ("cup", "plate")


def test_every_class_has_names_and_advice_in_the_languages_of_the_page() -> None:
    descriptions = read_class_descriptions(MODEL_REPOSITORY, read_classes())
    assert list(descriptions) == list(read_classes())
    for label, description in descriptions.items():
        assert set(description.names) == set(description.advice) == {"en", "de", "uk"}, label
        assert description.names["en"] == label
        assert description.color, label
        assert description.color_dark, label


def test_without_the_file_nothing_is_described(tmp_path: Path) -> None:
    assert read_class_descriptions(tmp_path, CLASSES) == {}


def test_a_description_may_leave_out_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('\ufeff{"cup": {"names": {"de": "Tasse"}}}', encoding="utf-8")
    (cup,) = read_class_descriptions(tmp_path, CLASSES).values()
    assert (cup.names, cup.advice, cup.color) == ({"de": "Tasse"}, {}, None)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"cups": {}}, r"describes \['cups'\]; labels.txt says \['cup', 'plate'\]"),
        ({"cup": {"colour": "#123456"}}, "cup.colour: Extra inputs"),
        ({"cup": {"color": "red"}}, "cup.color: String should match"),
        ({"cup": {"names": {"English": "cup"}}}, "cup.names.English"),
        ({"cup": {"advice": {"en": ""}}}, "cup.advice.en: String should have at least 1"),
        ([], "should be an object"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, document: object, said: str) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=rf"classes.json.*{said}"):
        read_class_descriptions(tmp_path, CLASSES)
