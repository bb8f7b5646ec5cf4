"""Photos in memory."""

import io
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from tests.support.drawn_dataset import SPLIT_SIZES, draw, write_dataset
from tests.support.pictures import bottle, encode
from training.dataset.classes import read_classes
from training.dataset.entries import OFFICIAL_ORDER, SPLITS, Entry, image_size, load_photos, read_entries
from training.dataset.preprocessing import decode, resize

COUNTS = {"train": 1768, "val": 328, "test": 431}


def test_a_folder_with_splits_is_read_in_their_order(toy: Path) -> None:
    entries = read_entries(toy, "val")
    named = [line.split()[0] for line in (toy / "val.txt").read_text(encoding="utf-8").splitlines()]
    assert [entry.name for entry in entries] == named
    assert len(entries) == SPLIT_SIZES["val"] * len(read_classes())
    # Recipes name sets by it.
    assert {entry.place for entry in entries} == {toy.name}


def test_numbers_in_a_split_are_the_official_ones(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ("paper", "trash"), {"train": 1}, labels={"paper": "2", "trash": "6"})
    assert [entry.label for entry in read_entries(folder, "train")] == ["paper", "trash"]


@pytest.mark.parametrize(("split", "count"), COUNTS.items())
def test_the_committed_splits_are_whole(split: str, count: int) -> None:
    lines = (SPLITS / f"{split}.txt").read_text(encoding="utf-8").splitlines()
    assert len({line.split()[0] for line in lines}) == len(lines) == count
    assert {line.split()[1] for line in lines} == set("123456")


def test_no_photo_stands_in_two_of_the_committed_splits() -> None:
    names = [line.split()[0] for split in COUNTS for line in (SPLITS / f"{split}.txt").read_text("utf-8").splitlines()]
    assert len(names) == len(set(names)) == 2527


def test_trashnet_without_splits_takes_the_committed_ones(tmp_path: Path) -> None:
    for name in read_classes():
        (tmp_path / name).mkdir()
    name, number = (SPLITS / "test.txt").read_text(encoding="utf-8").split()[:2]
    (tmp_path / OFFICIAL_ORDER[int(number) - 1] / name).write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"test\.txt names .* run `make data`") as raised:
        read_entries(tmp_path, "test")
    # Own photos may be called like TrashNet's: whoever has no splits for them is told how to get some.
    assert f"`bin-it-right data split {tmp_path}`" in str(raised.value)


def test_another_folder_without_splits_is_told_how_to_get_them(tmp_path: Path) -> None:
    for name in read_classes():
        (tmp_path / name).mkdir()
    with pytest.raises(FileNotFoundError, match=r"has no train\.txt: .*`bin-it-right data split"):
        read_entries(tmp_path, "train")


def test_a_data_set_that_is_not_there_says_what_one_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither a folder"):
        read_entries(tmp_path / "nothing", "train")


def test_a_parquet_file_is_one_split(tmp_path: Path) -> None:
    rows = {"image": [encode(bottle(), "WEBP")], "label": ["glass"], "source": ["a/b.jpg"]}
    pa.parquet.write_table(pa.table(rows), tmp_path / "set.parquet")
    (entry,) = read_entries(tmp_path / "set.parquet", "whatever")
    assert (entry.label, entry.name) == ("glass", "a/b.jpg")
    assert image_size(entry) == bottle().size


def test_photos_have_the_pixels_of_the_serving_preprocessing(toy: Path) -> None:
    entries = read_entries(toy, "test")
    photos = load_photos(entries, read_classes(), 40)
    assert photos.pixels.dtype == torch.uint8
    for row, entry in enumerate(entries):
        torch.testing.assert_close(photos.pixels[row], resize(decode(entry.source), 40))
        assert read_classes()[int(photos.labels[row])] == entry.label


def test_what_cannot_be_used_is_named() -> None:
    good = encode(draw(0, 0), "PNG")
    with pytest.raises(ValueError, match="no photo"):
        load_photos([], ("cup",), 32)
    with pytest.raises(ValueError, match=r"x\.png is labelled 'spoon'; the classes are cup, plate"):
        load_photos([Entry(good, "spoon", "x.png")], ("cup", "plate"), 32)
    with pytest.raises(ValueError, match=r"y\.png cannot be decoded"):
        load_photos([Entry(good[:60], "cup", "y.png")], ("cup", "plate"), 32)
    broken = [Entry(good[:60], "cup", f"{number}.png") for number in range(3)]
    with pytest.raises(ValueError, match=r"3 of 4 photos cannot be used\. 0\.png cannot.*1\.png.*2\.png"):
        load_photos([*broken, Entry(good, "cup", "x.png")], ("cup", "plate"), 32)


def test_the_size_is_that_of_the_file() -> None:
    buffer = io.BytesIO()
    draw(0, 0, 30, 20).save(buffer, "PNG")
    assert image_size(Entry(buffer.getvalue(), "cup", "x")) == (30, 20)
