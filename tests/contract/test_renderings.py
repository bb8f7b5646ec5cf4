"""The page's examples: renderings that the released weights answer right."""

import re
from pathlib import Path

import pytest
from PIL import Image

from training.evaluate.predict import predict

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "gateway" / "web"
RENDERINGS = sorted(PAGE.glob("rendered_*.webp"))
# Right, but under the threshold of the model card: docs/experiments.md says how far.
UNSURE = {
    ("raw", "glass"),
    ("raw", "trash"),
    ("pretrained", "glass"),
    ("pretrained", "metal"),
    ("pretrained", "trash"),
}


def expected(rendering: Path) -> str:
    """The class that a rendering's name says."""
    return rendering.stem.removeprefix("rendered_")


@pytest.mark.parametrize("model_type", ["raw", "pretrained"])
def test_released_weights_are_right_and_sure(model_type: str) -> None:
    predictions = list(predict(model_type, RENDERINGS))
    assert [found.pred_class for found in predictions] == [expected(found.path) for found in predictions]
    unsure = {(model_type, expected(found.path)) for found in predictions if not found.sure}
    assert unsure <= UNSURE


def test_page_shows_every_rendering_and_no_other_picture() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert RENDERINGS
    assert sorted(PAGE.glob("*.webp")) == RENDERINGS
    shown = re.findall(r'<button value="web/([^"]+)"><img src="web/\1"', page)
    assert sorted(shown) == [rendering.name for rendering in RENDERINGS]


def test_readme_and_page_call_them_renderings() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "file=@gateway/web/rendered_" in readme
    assert "a bundled rendering of a" in readme
    assert 'examplesHint: "No photo at hand? These are renderings' in (PAGE / "words.en.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("rendering", RENDERINGS, ids=expected)
def test_size_is_that_of_a_small_photo(rendering: Path) -> None:
    with Image.open(rendering) as picture:
        assert (picture.format, picture.size) == ("WEBP", (512, 384))
    assert 4_000 < rendering.stat().st_size <= 25_000
