"""The additional sets: waste from the web, out-of-distribution photos, and small pictures of 200 kinds of things.

Whatever resembles a TrashNet photo is left out, so that TrashNet's validation and test splits stay unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from data.layout import Layout, whole_or_nothing
from data.parquet import encode, shuffle_key, write_entries
from training.dataset.duplicates import find_pairs, perceptual_hashes
from training.dataset.entries import Entry
from training.dataset.photo_files import Skipped, photos_in

WEB_KAGGLE = "mostafaabla/garbage-classification"
GENERAL_ARCHIVE = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"

#: Folders of the web set, and the class that each is for training.
WEB_LABELS = {
    "brown-glass": "glass",
    "green-glass": "glass",
    "white-glass": "glass",
    "paper": "paper",
    "cardboard": "cardboard",
    "plastic": "plastic",
    "metal": "metal",
    "trash": "trash",
}
OUT_OF_DISTRIBUTION = ("battery", "biological", "clothes", "shoes")
_OTHER_EACH = 250
_GENERAL_EACH = 250
_HELD_OUT = 5  # one photo in so many
_SHORTER_SIDE = 224


def make_web(layout: Layout, known: Sequence[Entry]) -> dict[str, int]:
    """Make ``processed/web`` (train, heldout, out_of_distribution) from the 12-class set in ``raw/web``.

    Near copies of ``known`` are left out of all three, and those of held-out photos out of the training photos too.

    Returns:
        The number of photos in each file.

    Raises:
        ValueError: the folders of the set are not all there.
    """
    source = _folder_with(layout.raw("web"), (*WEB_LABELS, *OUT_OF_DISTRIBUTION))
    known_hashes = perceptual_hashes(known)
    labelled = [entry for folder, label in WEB_LABELS.items() for entry in read_photos(source, folder, label)]
    labelled = without_copies(sorted(labelled, key=lambda entry: shuffle_key(entry.name)), known_hashes)
    held_out = [entry for entry in labelled if shuffle_key(entry.name) % _HELD_OUT == 0]
    train = [entry for entry in labelled if shuffle_key(entry.name) % _HELD_OUT]
    train = without_copies(train, perceptual_hashes(held_out))
    other = [entry for folder in OUT_OF_DISTRIBUTION for entry in read_photos(source, folder, folder, most=_OTHER_EACH)]
    other = without_copies(other, known_hashes)
    files = {"train": train, "heldout": held_out, "out_of_distribution": other}
    return write_set(layout.processed("web"), files)


def make_general(layout: Layout, known: Sequence[Entry]) -> dict[str, int]:
    """Make ``processed/general`` from Tiny-ImageNet in ``raw/general``: 250 pictures of each of the 200 kinds.

    Returns:
        The number of pictures in each file.

    Raises:
        ValueError: the set is not there.
    """
    source = _folder_with(layout.raw("general"), ("train", "val"))
    kinds = sorted(path for path in (source / "train").iterdir() if path.is_dir())
    entries = [
        entry
        for kind in track(kinds, description="reading 64x64 pictures")
        for entry in read_photos(source / "train", f"{kind.name}/images", kind.name, most=_GENERAL_EACH, silent=True)
    ]
    entries = without_copies(sorted(entries, key=lambda entry: shuffle_key(entry.name)), perceptual_hashes(known))
    return write_set(layout.processed("general"), {"train": entries})


def read_photos(
    source: Path, folder: str, label: str, *, most: int | None = None, silent: bool = False
) -> Iterator[Entry]:
    """Encode photos in an order that is random but always the same; what cannot be read is left out and reported."""
    skipped = Skipped()
    paths = sorted(photos_in(source / folder, skipped), key=lambda path: shuffle_key(path.name))[:most]
    if skipped.count and not silent:
        print(f"{folder}: {skipped}")
    for path in paths if silent else track(paths, description=f"reading {folder}"):
        try:
            yield Entry(encode(path, _SHORTER_SIDE), label, f"{folder.split('/')[0]}/{path.name}")
        except OSError as exc:
            print(f"left out: {path} ({exc})")


def without_copies(entries: Sequence[Entry], known_hashes: np.ndarray) -> list[Entry]:
    """Leave out what resembles a known photo."""
    if not entries or not len(known_hashes):
        return list(entries)
    copies = {pair.second for pair in find_pairs(known_hashes, perceptual_hashes(entries, turned=False))}
    return [entry for index, entry in enumerate(entries) if index not in copies]


def write_set(target: Path, files: Mapping[str, Sequence[Entry]]) -> dict[str, int]:
    """Write a Parquet file for each name, all of them or none; return how many photos each holds."""
    with whole_or_nothing(target) as staging:
        for name, entries in files.items():
            write_entries(entries, staging / f"{name}.parquet")
    return {name: len(entries) for name, entries in files.items()}


def _folder_with(source: Path, names: Sequence[str]) -> Path:
    for folder in (
        source,
        *sorted(path for path in source.rglob("*") if path.is_dir() and len(path.parts) < len(source.parts) + 4),
    ):
        if all((folder / name).is_dir() for name in names):
            return folder
    raise ValueError(f"{source} has no folder with the subfolders {', '.join(names)}")
