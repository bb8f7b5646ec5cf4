"""From raw to processed: verified as a whole or refused with what is wrong."""

import csv
import shutil
from pathlib import Path

import pytest

from data.fetch import fetch, from_disk
from data.layout import Layout
from data.prepare import prepare
from training.dataset.entries import read_entries


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def _fill(layout: Layout, source: Path) -> None:
    fetch("trashnet", layout, [("disk", from_disk(source))])


def _photo(source: Path, name: str) -> Path:
    return next(source.rglob(name))


def test_a_whole_set_becomes_what_training_reads(
    layout: Layout, source: Path, drawn: Path, counts: dict[str, int]
) -> None:
    _fill(layout, source)
    assert prepare(layout, counts, drawn) == []
    processed = layout.processed("trashnet")
    for split in ("train", "val", "test"):
        assert [entry.name for entry in read_entries(processed, split)] == [
            entry.name for entry in read_entries(drawn, split)
        ]
    with (layout.interim("trashnet") / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(counts.values())
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    assert {(row["width"], row["height"]) for row in rows} == {("64", "48")}


def test_preparing_again_gives_the_same_and_leaves_raw_alone(
    layout: Layout, source: Path, drawn: Path, counts: dict[str, int]
) -> None:
    _fill(layout, source)
    before = {path: path.stat().st_mtime_ns for path in layout.raw("trashnet").rglob("*")}
    for _ in range(2):
        prepare(layout, counts, drawn)
    assert {path: path.stat().st_mtime_ns for path in layout.raw("trashnet").rglob("*")} == before


def test_a_missing_photo_is_named(layout: Layout, source: Path, drawn: Path, counts: dict[str, int]) -> None:
    _photo(source, "glass1.jpg").unlink()
    _fill(layout, source)
    with pytest.raises(ValueError, match=r"not whole: glass1\.jpg are listed, but missing"):
        prepare(layout, counts, drawn)
    assert not layout.processed("trashnet").exists()


def test_a_broken_photo_is_named(layout: Layout, source: Path, drawn: Path, counts: dict[str, int]) -> None:
    path = _photo(source, "glass1.jpg")
    path.write_bytes(path.read_bytes()[:300])
    _fill(layout, source)
    with pytest.raises(ValueError, match=r"glass1\.jpg \(.*\) cannot be decoded"):
        prepare(layout, counts, drawn)


def test_a_photo_too_many_is_named(layout: Layout, source: Path, drawn: Path, counts: dict[str, int]) -> None:
    shutil.copy(_photo(source, "glass1.jpg"), _photo(source, "glass1.jpg").with_name("glass999.jpg"))
    _fill(layout, source)
    with pytest.raises(ValueError, match=r"glass999\.jpg are in no split"):
        prepare(layout, counts, drawn)


def test_a_photo_in_the_wrong_folder_is_named(
    layout: Layout, source: Path, drawn: Path, counts: dict[str, int]
) -> None:
    path = _photo(source, "glass1.jpg")
    path.rename(path.parents[1] / "paper" / "glass1.jpg")
    _fill(layout, source)
    with pytest.raises(ValueError, match=r"glass1\.jpg are listed under another class"):
        prepare(layout, counts, drawn)


def test_splits_that_overlap_are_refused(layout: Layout, source: Path, drawn: Path, counts: dict[str, int]) -> None:
    splits = layout.root / "splits"
    splits.mkdir(parents=True)
    for split in ("train", "val", "test"):
        shutil.copy(drawn / f"{split}.txt", splits)
    with (splits / "test.txt").open("a", encoding="utf-8") as file:
        file.write("glass1.jpg 1\n")
    _fill(layout, source)
    with pytest.raises(ValueError, match=r"glass1\.jpg are in two splits"):
        prepare(layout, counts, splits)


def test_other_counts_are_refused(layout: Layout, source: Path, drawn: Path, counts: dict[str, int]) -> None:
    _fill(layout, source)
    with pytest.raises(ValueError, match="20 of 21 glass photos are there"):
        prepare(layout, counts | {"glass": 21}, drawn)


def test_a_file_under_two_labels_is_reported(layout: Layout, source: Path, drawn: Path, counts: dict[str, int]) -> None:
    other = min(path.name for path in source.rglob("plastic*.jpg"))
    shutil.copy(_photo(source, "glass1.jpg"), _photo(source, other))
    _fill(layout, source)
    found = prepare(layout, counts, drawn)
    assert any({pair.first.name, pair.second.name} == {"glass1.jpg", other} and pair.same_file for pair in found)
    with (layout.interim("trashnet") / "duplicates.csv").open(encoding="utf-8", newline="") as file:
        assert any(row["same_file"] == "True" and row["bits"] == "0" for row in csv.DictReader(file))
