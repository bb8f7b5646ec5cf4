"""Views are made once, kept, and made anew where the photos or the recipe changed."""

from pathlib import Path

import numpy as np

from tests.support.pictures import bottle, encode
from training.dataset.entries import Entry, load_pixels
from training.dataset.views import make_views
from training.train.recipes import Views

RECIPE = Views(count=2, size=48, cut_out=("home",), surroundings=("street",))


def entries(count: int) -> list[Entry]:
    photo = encode(bottle(90, 60), "PNG")
    return [Entry(photo, "glass", f"{row}.png", place=("home", "street")[row % 2]) for row in range(count)]


def test_the_first_view_is_the_photo_and_the_others_differ(tmp_path: Path) -> None:
    photos = entries(4)
    made = make_views(photos, RECIPE, tmp_path, seed=1, general=None)
    assert made.shape == (4, 3, 3, 48, 48)
    assert np.array_equal(made[:, 0], load_pixels(photos, 48).numpy())
    assert len({made[row, view].tobytes() for row in range(4) for view in (1, 2)}) == 8


def test_views_are_kept_until_something_changes(tmp_path: Path) -> None:
    first = np.array(make_views(entries(3), RECIPE, tmp_path, seed=1, general=None))
    file = tmp_path / "views.npy"
    made_at = file.stat().st_mtime_ns
    assert np.array_equal(make_views(entries(3), RECIPE, tmp_path, seed=1, general=None), first)
    assert file.stat().st_mtime_ns == made_at
    assert not np.array_equal(make_views(entries(3), RECIPE, tmp_path, seed=2, general=None), first)
    assert len(make_views(entries(5), RECIPE, tmp_path, seed=2, general=None)) == 5


def test_an_interrupted_file_is_made_anew(tmp_path: Path) -> None:
    first = np.array(make_views(entries(2), RECIPE, tmp_path, seed=1, general=None))
    (tmp_path / "views.json").unlink()
    (tmp_path / "views.npy").write_bytes(b"half")
    assert np.array_equal(make_views(entries(2), RECIPE, tmp_path, seed=1, general=None), first)
