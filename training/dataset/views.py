"""Views of every training photo, made once before a training begins and kept in a file."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from training.dataset.entries import Entry, load_pixels, read_parquet
from training.dataset.scenes import Backgrounds, views
from training.train.recipes import Views

Array = np.ndarray

#: Edge of the photos that views are made of: that of the photos' own files, where they were made smaller before.
_PHOTO_SIZE = 224
_CHUNK = 32
_photos: Array
_backgrounds: Backgrounds


def make_views(entries: Sequence[Entry], recipe: Views, folder: Path, *, seed: int, general: Path | None) -> Array:
    """Return UINT8 ``[N, 1 + recipe.count, 3, recipe.size, recipe.size]``; the first of each is the photo as it is.

    What an earlier run left in ``folder`` is used again if it was made from the same photos in the same way.

    Args:
        entries: the photos.
        recipe: how many views of which size.
        folder: holds the files; it needs 77 kB for a view of 160 pixels.
        seed: of all that is drawn.
        general: a Parquet file with small pictures of whatever there is, as backgrounds.

    Raises:
        ValueError: a photo cannot be decoded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, stamp_file = folder / "views.npy", folder / "views.json"
    stamp = {**recipe.model_dump(mode="json"), "seed": seed, "general": general is not None, "photos": _digest(entries)}
    if file.exists() and stamp_file.exists() and json.loads(stamp_file.read_text(encoding="utf-8")) == stamp:
        return _mapped(file)
    stamp_file.unlink(missing_ok=True)
    photos_file = folder / "photos.npy"
    np.save(photos_file, load_pixels(entries, _PHOTO_SIZE).numpy())
    shape = (len(entries), 1 + recipe.count, 3, recipe.size, recipe.size)
    result = open_memmap(file, "w+", np.uint8, shape)
    plain = load_pixels(entries, recipe.size).numpy()
    result[:, 0] = plain
    surroundings = [row for row, entry in enumerate(entries) if entry.place in recipe.surroundings]
    rows = [(row, recipe, entry.place in recipe.cut_out, seed) for row, entry in enumerate(entries)]
    with ProcessPoolExecutor(
        initializer=_prepare, initargs=(photos_file, surroundings, general, _PHOTO_SIZE)
    ) as processes:
        for row, made in enumerate(processes.map(_views_of, rows, chunksize=_CHUNK)):
            result[row, 1:] = made
    result.flush()
    photos_file.unlink()
    stamp_file.write_text(json.dumps(stamp), encoding="utf-8")
    return _mapped(file)


def _mapped(file: Path) -> Array:
    # Copied on write: PyTorch warns of memory that it must not write to.
    pictures: Array = np.load(file, mmap_mode="c")
    return pictures


def _prepare(photos_file: Path, surroundings: Sequence[int], general: Path | None, size: int) -> None:
    global _photos, _backgrounds
    _photos = np.load(photos_file, mmap_mode="r")
    pictures = [entry.source for entry in read_parquet(general) if isinstance(entry.source, bytes)] if general else []
    _backgrounds = Backgrounds([_channels_last(row) for row in surroundings], pictures, size)


def _views_of(task: tuple[int, Views, bool, int]) -> Array:
    row, recipe, cut, seed = task
    random = np.random.default_rng((seed, row))
    made = views(_channels_last(row), recipe.count, recipe.size, _backgrounds if cut else None, random)
    return np.ascontiguousarray(made.transpose(0, 3, 1, 2))


def _channels_last(row: int) -> Array:
    return np.ascontiguousarray(_photos[row].transpose(1, 2, 0))


def _digest(entries: Sequence[Entry]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.place}/{entry.name}/{entry.label}\n".encode())
    return digest.hexdigest()
