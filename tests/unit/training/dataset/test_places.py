"""Places: a Parquet file or a folder of class folders each."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.pictures import bottle, encode
from training.dataset.entries import read_parquet
from training.dataset.places import NONE, read_places

CLASSES = ("cup", "plate")


def write_parquet(path: Path, labels: list[str], **columns: list[str]) -> None:
    image = encode(bottle(40, 30), "WEBP")
    rows = {"image": [image] * len(labels), "label": labels, "source": ["street"] * len(labels), **columns}
    pa.parquet.write_table(pa.table(rows), path)


def test_files_and_folders_are_places(tmp_path: Path) -> None:
    write_parquet(tmp_path / "street.parquet", ["cup", "", "plate"], original=["a.jpg", "a.jpg", "b.jpg"])
    for name in ("cup/one.png", "none/two.png", "cup/._one.png", "cup/.DS_Store", ".hidden/three.png"):
        path = tmp_path / "kitchen" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(bottle(40, 30), "PNG"))
    (tmp_path / "README.md").write_text("what they are")
    places = read_places(tmp_path, CLASSES)
    assert sorted(places) == ["kitchen", "street"]
    assert [(entry.label, entry.name, entry.original) for entry in places["street"]] == [
        ("cup", "a.jpg", "a.jpg"),
        (NONE, "a.jpg", "a.jpg"),
        ("plate", "b.jpg", "b.jpg"),
    ]
    assert [(entry.label, entry.name) for entry in places["kitchen"]] == [("cup", "cup/one.png"), ("", "none/two.png")]


def test_what_is_no_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_places(tmp_path / "nowhere", CLASSES)
    with pytest.raises(ValueError, match="holds no place"):
        read_places(tmp_path, CLASSES)
    write_parquet(tmp_path / "street.parquet", ["cup", "saucer"])
    with pytest.raises(ValueError, match="street has the label 'saucer'; the classes are cup, plate"):
        read_places(tmp_path, CLASSES)
    write_parquet(tmp_path / "street.parquet", ["", ""])
    with pytest.raises(ValueError, match="street has no photo of any of the classes"):
        read_places(tmp_path, CLASSES)


def test_a_file_that_is_no_set_of_photos_is_named(tmp_path: Path) -> None:
    path = tmp_path / "street.parquet"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_parquet(path)
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(ValueError, match=r"street\.parquet is no Parquet file"):
        read_parquet(path)
    pa.parquet.write_table(pa.table({"image": [b""], "source": [""]}), path)
    with pytest.raises(ValueError, match=r"street\.parquet has no column label"):
        read_parquet(path)
