"""The survey of a data set, its findings and its page."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.drawn_dataset import SPLIT_SIZES, write_dataset
from training.dataset.classes import read_classes
from training.dataset.eda.figures import FIGURES
from training.dataset.eda.findings import findings
from training.dataset.eda.page import write_page
from training.dataset.eda.survey import Survey, survey
from training.dataset.entries import read_entries
from training.dataset.preprocessing import decode


@pytest.fixture(scope="module")
def looked(toy: Path) -> Survey:
    return survey(toy, read_classes())


def test_counts_are_those_of_the_splits(looked: Survey) -> None:
    assert (looked.counts == [list(SPLIT_SIZES.values())] * len(read_classes())).all()
    assert looked.sizes == {(64, 48): 6 * sum(SPLIT_SIZES.values())}


def test_brightness_and_colour_are_those_of_the_pixels(looked: Survey, toy: Path) -> None:
    pictures = [
        np.asarray(decode(entry.source), dtype=float)
        for split in SPLIT_SIZES
        for entry in read_entries(toy, split)
        if entry.label == "cardboard"
    ]
    index = looked.classes.index("cardboard")
    colour = np.mean([picture.mean(axis=(0, 1)) for picture in pictures], axis=0)
    np.testing.assert_allclose(looked.colours[index], colour, atol=1.5)
    assert looked.class_brightness()[index] == pytest.approx(colour.mean(), abs=1.5)
    assert looked.mean_images[index].shape == (96, 96, 3)


def test_findings_name_what_stands_out(looked: Survey) -> None:
    balance, brightness, duplicates = findings(looked)
    assert balance.startswith("120 photos (72 train, 24 val, 24 test)")
    means = dict(zip(looked.classes, looked.class_brightness(), strict=True))
    assert f"The brightest class is {max(means, key=lambda name: means[name])} " in brightness
    assert f"the darkest {min(means, key=lambda name: means[name])} " in brightness
    assert "The warmest is cardboard" in brightness
    assert duplicates == (
        "0 pairs of photos are the same, or nearly, across splits; 0 pairs are one photo under two labels. "
        "All photos have 64x48 pixels."
    )


def test_photos_in_two_splits_or_under_two_labels_are_found(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ("cup", "plate"))
    first, second = read_entries(folder, "train")[0], read_entries(folder, "test")[-1]
    assert isinstance(first.source, Path)
    assert isinstance(second.source, Path)
    second.source.write_bytes(first.source.read_bytes())
    found = survey(folder, ("cup", "plate"))
    assert len(found.duplicates) == 1
    assert findings(found)[2].startswith("1 pairs of photos are the same, or nearly, across splits; 1 pairs")


def test_the_page_needs_no_other_file(looked: Survey, tmp_path: Path) -> None:
    page, *figures = write_page(looked, tmp_path, "Toys & <drawings>")
    text = page.read_text(encoding="utf-8")
    assert "<title>Toys &amp; &lt;drawings&gt;</title>" in text
    assert text.count("data:image/png;base64,") == len(FIGURES) == len(figures)
    assert "http" not in text
    assert 'src="data:' in text
    assert all(sentence.replace("&", "&amp;") in text for sentence in findings(looked))
    for path in figures:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert min(image.size) > 100


def test_a_class_without_photos_is_named(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ("cup", "plate"), {"train": 1, "val": 1, "test": 1})
    with pytest.raises(ValueError, match="no photo of spoon"):
        survey(folder, ("cup", "plate", "spoon"))
