"""The sources of a set: tried in turn, each refused with its reason, none trusted by halves."""

import shutil
import zipfile
from pathlib import Path

import pytest

from data import fetch as fetching
from data.fetch import fetch, from_disk, from_kaggle, from_web
from data.layout import Layout
from data.trashnet import find_images
from tests.support.command_line import bin_it_right


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def test_a_folder_is_copied_read_only_and_stays_as_it_is(layout: Layout, source: Path) -> None:
    fetch("trashnet", layout, [("disk", from_disk(source))])
    files = [path for path in layout.raw("trashnet").rglob("*") if path.is_file()]
    assert len(files) == 120
    assert all(path.stat().st_mode & 0o222 == 0 for path in files)
    assert find_images(layout.raw("trashnet")).name == "Garbage classification"

    def never(staging: Path) -> None:
        raise AssertionError("raw data is never fetched over")

    fetch("trashnet", layout, [("again", never)])


def test_a_zip_archive_gives_what_its_folder_gives(layout: Layout, source: Path, tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in source.rglob("*.jpg"):
            opened.write(path, path.relative_to(source))
    fetch("trashnet", layout, [("zip", from_disk(archive))])
    assert {path.name for path in layout.raw("trashnet").rglob("*.jpg")} == {
        path.name for path in source.rglob("*.jpg")
    }


def test_the_next_way_is_tried_and_half_of_the_first_is_gone(layout: Layout, source: Path) -> None:
    def breaks(staging: Path) -> None:
        (staging / "half.jpg").write_bytes(b"half")
        raise OSError("connection lost")

    fetch("trashnet", layout, [("Kaggle", breaks), ("disk", from_disk(source))])
    assert not list(layout.raw("trashnet").rglob("half.jpg"))


def test_when_no_way_works_each_says_why_and_the_remedy_is_named(layout: Layout, tmp_path: Path) -> None:
    def breaks(staging: Path) -> None:
        raise OSError("connection lost")

    with pytest.raises(ValueError, match=r"(?s)Kaggle: connection lost.*there is no file or folder.*make data source="):
        fetch("trashnet", layout, [("Kaggle", breaks), ("disk", from_disk(tmp_path / "nothing"))])
    assert not layout.raw("trashnet").exists()


def test_kaggle_hands_over_its_folder(layout: Layout, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglehub

    asked = []

    def dataset_download(handle: str) -> str:
        asked.append(handle)
        return str(source)

    monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)
    fetch("trashnet", layout, [("Kaggle", from_kaggle("someone/garbage"))])
    assert asked == ["someone/garbage"]
    assert len(list(layout.raw("trashnet").rglob("*.jpg"))) == 120


@pytest.mark.parametrize("kind", ["UnauthenticatedError", "CredentialError", "KaggleApiHTTPError"])
def test_a_refusal_of_kaggle_names_the_token(layout: Layout, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglehub
    from kagglehub import exceptions

    def dataset_download(handle: str) -> str:
        raise getattr(exceptions, kind)("403 Forbidden")

    monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)
    with pytest.raises(ValueError, match=r"403 Forbidden.*API token"):
        fetch("trashnet", layout, [("Kaggle", from_kaggle("someone/garbage"))])


def test_a_broken_archive_of_the_web_is_not_kept(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, target: Path) -> Path:
        target.parent.mkdir(parents=True)
        target.write_bytes(b"<html>Sorry</html>")
        return target

    monkeypatch.setattr(fetching, "download", download)
    with pytest.raises(ValueError, match="no whole zip archive"):
        fetch("general", layout, [("web", from_web("https://example.org/set.zip", layout))])
    assert not list(layout.downloads.iterdir())


def test_a_folder_without_the_classes_says_which(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cardboard, glass, metal, paper, plastic, trash"):
        find_images(tmp_path)


def test_the_command_says_what_is_wrong(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bin_it_right("data", "--source", str(tmp_path / "nothing"), "--root", str(tmp_path / "data")) == 1
    assert "there is no file or folder" in capsys.readouterr().err
    assert bin_it_right("data", "--extras", "moon", "--root", str(tmp_path / "data")) == 1
    assert "unknown extras moon; there are web, general" in capsys.readouterr().err
    # The drawn set is not TrashNet: its splits name photos that are not there.
    assert bin_it_right("data", "--source", str(source), "--root", str(tmp_path / "data")) == 1
    said = capsys.readouterr().err
    assert f"{source} is not TrashNet, and nothing of it is kept" in said
    assert "are listed, but missing" in said
    assert not (tmp_path / "data" / "processed").exists()
    assert not (tmp_path / "data" / "raw" / "trashnet").exists()


def test_a_source_is_looked_at_though_photos_are_there(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("data.run.prepare", lambda _: [])
    root = tmp_path / "data"

    def lay_out(given: Path) -> int:
        return bin_it_right("data", "--source", str(given), "--root", str(root))

    assert lay_out(source) == 0
    assert lay_out(source) == 0
    assert f"has what {source} has" in capsys.readouterr().out
    raw = root / "raw" / "trashnet"
    assert lay_out(tmp_path / "nothing") == 1
    said = capsys.readouterr().err
    assert f"there is no file or folder {tmp_path / 'nothing'}" in said
    assert f"{raw} has 120 files of an earlier fetch" in said
    assert f"rm -rf {raw}" in said
    other = tmp_path / "other"
    shutil.copytree(source, other)
    photo = next(other.rglob("glass*.jpg"))
    photo.write_bytes(photo.read_bytes() + b"more")
    assert lay_out(other) == 1
    assert f"{other} is not what was fetched earlier" in capsys.readouterr().err
    letter = tmp_path / "letter.zip"
    letter.write_text("no archive")
    assert lay_out(letter) == 1
    captured = capsys.readouterr()
    assert f"{letter} is no whole zip archive" in captured.err
    assert "ready" not in captured.out
    shutil.rmtree(raw)
    assert lay_out(other) == 0
