"""Splits for a folder of one's own."""

import io
from pathlib import Path

import pillow_heif
import pytest
from PIL import PngImagePlugin

from data.split import share_out
from tests.support.command_line import bin_it_right
from tests.support.pictures import bottle, encode
from training.dataset.entries import read_entries

PHOTO = encode(bottle(32, 24), "JPEG")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("cup", "plate"):
        (tmp_path / label).mkdir()
        for number in range(40):
            (tmp_path / label / f"{label}{number}.jpg").write_bytes(PHOTO)
    return tmp_path


def test_every_photo_is_in_one_split_and_every_class_in_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bin_it_right("data", "split", str(folder)) == 0
    entries = {split: read_entries(folder, split) for split in ("train", "val", "test")}
    assert {split: len(listed) for split, listed in entries.items()} == {"train": 56, "val": 12, "test": 12}
    names = [entry.name for listed in entries.values() for entry in listed]
    assert len(set(names)) == len(names) == 80
    for listed in entries.values():
        assert {entry.label for entry in listed} == {"cup", "plate"}
    assert "train.txt: 56 photos" in capsys.readouterr().out


def test_splits_stay_the_same_when_photos_are_added_elsewhere(folder: Path) -> None:
    before = share_out(folder)
    (folder / "fork").mkdir()
    for number in range(7):
        (folder / "fork" / f"{number}.jpg").write_bytes(PHOTO)
    assert [line for line in share_out(folder).splits["val"] if not line.endswith(" fork")] == before.splits["val"]


def test_what_is_no_photo_is_skipped_and_what_cannot_be_read_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (
        *("._cup0.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "cup1.jpg:Zone.Identifier"),
        *("@eaDir/cup0.jpg", ".ipynb_checkpoints/cup0.jpg"),
    ):
        path = folder / "cup" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(PHOTO)
    (folder / "cup" / "empty.jpg").touch()
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "cup" / "broken one.jpg").write_bytes(PHOTO[:200])
    (folder / "plate" / "no photo.png").write_bytes(b"a letter")
    (folder / "plate" / "two words.HEIC").write_bytes(_heic())
    (folder / "plate" / "inflates.png").write_bytes(_png_with_long_text())
    assert bin_it_right("data", "split", str(folder)) == 0
    said = capsys.readouterr().out
    assert "skipped 8 files that are no photos: " in said
    for name in ("cup/broken one.jpg", "plate/no photo.png", "plate/inflates.png"):
        assert f"left out: {name}: " in said
    names = [entry.name for split in ("train", "val", "test") for entry in read_entries(folder, split)]
    assert len(names) == 81
    assert "two words.HEIC" in names


def _heic() -> bytes:
    pillow_heif.register_heif_opener()
    return encode(bottle(64, 48), "HEIF")


def _png_with_long_text() -> bytes:
    """Return a PNG whose compressed text inflates past what Pillow takes."""
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * (PngImagePlugin.MAX_TEXT_CHUNK + 1), zip=True)
    buffer = io.BytesIO()
    bottle(8, 8).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def test_what_cannot_be_shared_out_is_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bin_it_right("data", "split", str(folder / "missing")) == 1
    (folder / "fork").mkdir()
    (folder / "fork" / "1.jpg").write_bytes(PHOTO)
    assert bin_it_right("data", "split", str(folder)) == 1
    (folder / "fork").rename(folder / "a fork")
    assert bin_it_right("data", "split", str(folder)) == 1
    said = capsys.readouterr().err
    assert "one subfolder for each class" in said
    assert "fork holds 1 photos; 7 are the least" in said
    assert "the class 'a fork' holds a space" in said
    assert not (folder / "train.txt").exists()
