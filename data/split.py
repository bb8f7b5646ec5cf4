"""Shares the photos of one's own folder out among a train, a val and a test split."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data.parquet import shuffle_key
from training.atomic_write import write_atomically
from training.dataset.photo_files import Skipped, class_folders, photos_in
from training.dataset.preprocessing import decode

#: Of every twenty photos of a class; the rest is trained on.
_VAL, _TEST = 3, 3
_OF = 20
_THREADS = 4


@dataclass
class Shares:
    """The lines of each split, and the files that are in none: no photos, and photos that cannot be decoded."""

    splits: dict[str, list[str]]
    skipped: Skipped
    unreadable: list[str]


def share_out(folder: Path) -> Shares:
    """Share the photos of every class out, in an order that is random but always the same.

    Args:
        folder: a folder with one subfolder for each class, or with such folders under ``images``.

    Raises:
        ValueError: there are fewer than two classes, the name of one holds a space, or one has too few photos.
    """
    classes = class_folders(folder)
    if len(classes) < 2:
        raise ValueError(f"{folder} needs one subfolder for each class, two at least")
    shares = Shares({"train": [], "val": [], "test": []}, Skipped(), [])
    for path in classes:
        if len(path.name.split()) > 1:
            raise ValueError(f"the class {path.name!r} holds a space, which a split cannot: rename its folder")
        names = sorted(_readable(photos_in(path, shares.skipped), shares.unreadable), key=shuffle_key)
        val, test = len(names) * _VAL // _OF, len(names) * _TEST // _OF
        if not val or not test:
            raise ValueError(
                f"{path} holds {len(names)} photos; {-(-_OF // _VAL)} are the least, a hundred a good start"
            )
        parts = {"val": names[:val], "test": names[val : val + test], "train": names[val + test :]}
        for split, part in parts.items():
            shares.splits[split] += [f"{name} {path.name}" for name in part]
    return shares


def _readable(photos: Sequence[Path], unreadable: list[str]) -> list[str]:
    """Return the names of the photos that can be decoded; the others go to ``unreadable`` with the reason."""

    def reason(path: Path) -> str | None:
        if not path.name.isprintable():
            return "its name holds a character that a file of a split cannot"
        try:
            decode(path)
        except OSError as exc:
            return str(exc)
        return None

    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(zip(photos, pool.map(reason, photos), strict=True))
    unreadable += [f"{path.parent.name}/{path.name}: {why}" for path, why in found if why]
    return [path.name for path, why in found if not why]


def write_splits(folder: Path) -> None:
    """Write the three splits into the folder, and say what is in them and what is not."""
    shares = share_out(folder)
    if shares.skipped.count:
        print(shares.skipped)
    for line in shares.unreadable:
        print(f"left out: {line}")
    for split, lines in shares.splits.items():
        text = "".join(f"{line}\n" for line in lines)
        write_atomically(folder / f"{split}.txt", partial(_write, text))
        print(f"{folder / split}.txt: {len(lines)} photos")


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
