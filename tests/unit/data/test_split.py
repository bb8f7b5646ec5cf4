"""Lists for a folder of one's own."""

from pathlib import Path

import pytest

from data.split import main, share_out
from training.dataset.entries import read_entries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("cup", "plate"):
        (tmp_path / label).mkdir()
        for number in range(40):
            (tmp_path / label / f"{label}{number}.jpg").touch()
    return tmp_path


def test_every_photo_is_on_one_list_and_every_class_on_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    entries = {split: read_entries(folder, split) for split in ("train", "val", "test")}
    assert {split: len(listed) for split, listed in entries.items()} == {"train": 56, "val": 12, "test": 12}
    names = [entry.name for listed in entries.values() for entry in listed]
    assert len(set(names)) == len(names) == 80
    for listed in entries.values():
        assert {entry.label for entry in listed} == {"cup", "plate"}
    assert "train.txt: 56 photos" in capsys.readouterr().out


def test_lists_stay_the_same_when_photos_are_added_elsewhere(folder: Path) -> None:
    before = share_out(folder)
    (folder / "fork").mkdir()
    for number in range(7):
        (folder / "fork" / f"{number}.jpg").touch()
    assert [line for line in share_out(folder)["val"] if not line.endswith(" fork")] == before["val"]


def test_what_can_not_be_shared_out_is_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "missing")]) == 1
    (folder / "fork").mkdir()
    (folder / "fork" / "1.jpg").touch()
    assert main([str(folder)]) == 1
    (folder / "fork" / "a b.jpg").touch()
    assert main([str(folder)]) == 1
    said = capsys.readouterr().err
    assert "one subfolder for each class" in said
    assert "fork holds 1 photos; 7 are the least" in said
    assert "'a b.jpg' holds a space" in said
    assert not (folder / "train.txt").exists()
