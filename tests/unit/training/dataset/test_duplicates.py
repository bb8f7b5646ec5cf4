"""Duplicates by perceptual hash: found through compression, scaling, flips and turns, and only then."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from tests.support.drawn_dataset import draw, write_dataset
from tests.support.pictures import with_orientation
from training.dataset.duplicates import MOST_BITS, duplicates_of, find_pairs, perceptual_hashes
from training.dataset.entries import Entry, read_entries


def _entry(picture: Image.Image, quality: int = 95) -> Entry:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Entry(buffer.getvalue(), "cup", "x.jpg")


ORIGINAL = draw(0, 0, 400, 300)


@pytest.mark.parametrize(
    "changed",
    [
        _entry(ORIGINAL, quality=30),
        _entry(ORIGINAL.resize((200, 150))),
        _entry(ImageEnhance.Brightness(ORIGINAL).enhance(0.8)),
        _entry(ImageOps.mirror(ORIGINAL)),
        _entry(ORIGINAL.rotate(90, expand=True)),
        _entry(ImageOps.flip(ORIGINAL.rotate(270, expand=True))),
        Entry(with_orientation(ORIGINAL, 6), "cup", "x.jpg"),
    ],
    ids=["compressed", "smaller", "darker", "mirrored", "turned", "turned and flipped", "turned by EXIF"],
)
def test_a_changed_copy_is_found(changed: Entry) -> None:
    (pair,) = find_pairs(perceptual_hashes([changed]), perceptual_hashes([_entry(ORIGINAL)], turned=False))
    assert (pair.first, pair.second) == (0, 0)
    assert pair.bits <= MOST_BITS


def test_other_pictures_are_not() -> None:
    others = perceptual_hashes([_entry(draw(kind, seed, 400, 300)) for kind in range(6) for seed in range(1, 6)])
    assert find_pairs(others, perceptual_hashes([_entry(ORIGINAL)], turned=False)) == []


def test_the_same_picture_has_no_bit_between() -> None:
    hashes = perceptual_hashes([_entry(ORIGINAL), _entry(draw(1, 1, 400, 300))])
    assert [(pair.first, pair.second, pair.bits) for pair in find_pairs(hashes, hashes)] == [(0, 0, 0), (1, 1, 0)]


def test_distances_are_those_of_counted_bits() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random((5, 8, 256)) < 0.5, generator.random((7, 1, 256)) < 0.5
    pairs = {(pair.first, pair.second): pair.bits for pair in find_pairs(first, second, most_bits=256)}
    assert len(pairs) == 35
    for (row, column), bits in pairs.items():
        assert bits == (first[row] != second[column, 0]).sum(axis=1).min()


def test_splits_name_the_places_of_what_the_training_split_has(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ("cup", "plate"), {"train": 3, "test": 3})
    train, test = read_entries(folder, "train"), read_entries(folder, "test")
    assert duplicates_of({"test": test}, train) == {"test": []}
    assert duplicates_of({"test": [test[0], train[2], test[1], train[0]]}, train) == {"test": [1, 3]}


def test_a_broken_photo_is_named() -> None:
    with pytest.raises(ValueError, match=r"x\.jpg cannot be decoded"):
        perceptual_hashes([Entry(b"no photo", "cup", "x.jpg")])
