"""The gateway's feedback folder as a training set."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.feedback import make_feedback
from data.layout import Layout
from tests.support.pictures import encode
from training.dataset.entries import Entry, read_entries


def draw(path: Path, seed: int) -> Path:
    """Large random tiles: pictures that no two seeds share."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tiles = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(tiles).resize((320, 240), Image.Resampling.NEAREST).save(path, quality=90)
    return path


def test_folder_becomes_a_training_set_without_copies_of_known_photos(tmp_path: Path) -> None:
    folder, layout = tmp_path / "feedback", Layout(tmp_path / "data")
    for seed, label in ((1, "glass"), (2, "glass"), (3, "metal")):
        draw(folder / label / f"{seed}.jpeg", seed)
    heif = encode(Image.open(draw(tmp_path / "phone.jpg", 4)), "HEIF", quality=90)
    (folder / "metal" / "4.heif").write_bytes(heif)
    (folder / "metal" / "broken.png").write_bytes(b"no photo")
    known = [Entry(draw(tmp_path / "known.jpg", 2), "trash", "known.jpg")]
    assert make_feedback(folder, layout, known) == {"train": 3}
    entries = read_entries(layout.processed("feedback") / "train.parquet", "train")
    assert sorted((entry.label, entry.name) for entry in entries) == [
        ("glass", "glass/1.jpeg"),
        ("metal", "metal/3.jpeg"),
        ("metal", "metal/4.heif"),
    ]


@pytest.mark.parametrize("exists", [True, False])
def test_folder_without_classes_is_refused(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "feedback"
    if exists:
        folder.mkdir()
    with pytest.raises(ValueError, match="no subfolder"):
        make_feedback(folder, Layout(tmp_path / "data"), [])
