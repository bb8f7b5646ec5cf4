"""The additional sets, made from small drawn sources."""

from pathlib import Path

import pytest

from data.extras import OUT_OF_DISTRIBUTION, WEB_LABELS, make_general, make_web
from data.layout import Layout
from data.parquet import encode, shuffle_key
from tests.support.drawn_dataset import draw
from training.dataset.duplicates import find_pairs, perceptual_hashes
from training.dataset.entries import Entry, image_size, read_entries
from training.dataset.preprocessing import decode


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def known(toy_photos: list[Path]) -> list[Entry]:
    """Two photos that stand for TrashNet."""
    return [Entry(path, "glass", path.name) for path in toy_photos]


@pytest.fixture
def toy_photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"known{seed}.jpg" for seed in range(2)]
    for seed, path in enumerate(paths):
        draw(0, seed, 300, 225).save(path, quality=95)
    return paths


@pytest.fixture
def web(layout: Layout) -> Path:
    """Twelve folders with ten drawings each, two copies of known photos and a broken file among them."""
    folder = layout.raw("web") / "garbage_classification"
    for kind, name in enumerate((*WEB_LABELS, *OUT_OF_DISTRIBUTION)):
        (folder / name).mkdir(parents=True)
        for seed in range(10):
            draw(kind, 1000 + seed, 400, 320).save(folder / name / f"{name}{seed}.jpg", quality=95)
    draw(0, 0, 300, 225).rotate(90, expand=True).save(folder / "metal" / "copy.jpg", quality=70)
    draw(0, 1, 300, 225).save(folder / "shoes" / "copy.jpg", quality=70)
    (folder / "paper" / "broken.jpg").write_bytes(b"no photo")
    return folder


def test_the_web_set_has_six_classes_and_out_of_distribution(
    layout: Layout, web: Path, known: list[Entry], capsys: pytest.CaptureFixture[str]
) -> None:
    counts = make_web(layout, known)
    folder = layout.processed("web")
    entries = {name: read_entries(folder / f"{name}.parquet", "") for name in counts}
    assert {name: len(listed) for name, listed in entries.items()} == counts
    assert {entry.label for entry in entries["train"]} == set(WEB_LABELS.values())
    assert {entry.label for entry in entries["out_of_distribution"]} == set(OUT_OF_DISTRIBUTION)
    names = [entry.name for listed in entries.values() for entry in listed]
    assert len(names) == len(set(names))
    assert counts["train"] + counts["heldout"] <= 80
    assert counts["heldout"] > 0
    assert "broken.jpg" in capsys.readouterr().out
    assert min(image_size(entries["train"][0])) == 224


def test_copies_of_known_photos_are_left_out_of_every_file(layout: Layout, web: Path, known: list[Entry]) -> None:
    make_web(layout, known)
    for path in layout.processed("web").glob("*.parquet"):
        entries = read_entries(path, "")
        assert not [entry for entry in entries if "copy" in entry.name]
        assert find_pairs(perceptual_hashes(known), perceptual_hashes(entries, turned=False)) == []


def test_copies_of_held_out_photos_are_not_trained_on(layout: Layout, web: Path, known: list[Entry]) -> None:
    make_web(layout, known)
    held_out = read_entries(layout.processed("web") / "heldout.parquet", "")
    chosen = next(entry for entry in held_out if entry.name.startswith("metal/"))
    assert isinstance(chosen.source, bytes)
    # A name that falls to the training side, with the content of a held-out photo.
    name = next(f"again{number}.png" for number in range(100) if shuffle_key(f"metal/again{number}.png") % 5)
    decode(chosen.source).save(web / "metal" / name)
    make_web(layout, known)
    train = read_entries(layout.processed("web") / "train.parquet", "")
    assert f"metal/{name}" not in [entry.name for entry in train]


def test_the_same_source_gives_the_same_files(layout: Layout, web: Path, known: list[Entry]) -> None:
    first: list[bytes] = []
    second: list[bytes] = []
    for contents in (first, second):
        make_web(layout, known)
        contents += [path.read_bytes() for path in sorted(layout.processed("web").glob("*.parquet"))]
    assert first == second


def test_the_general_set_has_a_label_a_folder(layout: Layout, known: list[Entry]) -> None:
    root = layout.raw("general") / "tiny-imagenet-200"
    (root / "val").mkdir(parents=True)
    for kind, name in enumerate(("n001", "n002")):
        (root / "train" / name / "images").mkdir(parents=True)
        for seed in range(5):
            draw(kind, 2000 + seed, 64, 64).save(root / "train" / name / "images" / f"{name}_{seed}.JPEG", quality=95)
    draw(0, 0, 300, 225).resize((64, 64)).save(root / "train" / "n001" / "images" / "n001_copy.JPEG", quality=95)
    assert make_general(layout, known) == {"train": 10}
    entries = read_entries(layout.processed("general") / "train.parquet", "")
    assert {entry.label for entry in entries} == {"n001", "n002"}
    assert {image_size(entry) for entry in entries} == {(64, 64)}
    assert [entry.label for entry in entries] != sorted(entry.label for entry in entries)


def test_a_source_without_its_folders_says_which(layout: Layout, known: list[Entry]) -> None:
    layout.raw("web").mkdir(parents=True)
    with pytest.raises(ValueError, match="brown-glass"):
        make_web(layout, known)


def test_a_photo_is_shrunk_but_never_enlarged(tmp_path: Path) -> None:
    for size, stored in (((600, 300), (448, 224)), ((100, 50), (100, 50))):
        draw(1, 1, *size).save(tmp_path / "x.png")
        assert decode(encode(tmp_path / "x.png", 224)).size == stored
