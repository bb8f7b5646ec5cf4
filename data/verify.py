"""What a folder of classified photos really holds: every file opened to its last pixel, and listed."""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rich.progress import track

from training.atomic_write import write_atomically
from training.dataset.photo_files import Skipped, photos_in
from training.dataset.preprocessing import decode


@dataclass(frozen=True)
class Photo:
    """One file; ``split`` is the official split that names it."""

    label: str
    name: str
    split: str
    width: int
    height: int
    bytes: int
    sha256: str


def read_split(path: Path, labels: Sequence[str]) -> dict[str, str]:
    """Read the file of an official split, ``name number`` a line, as names with their labels."""
    pairs = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {name: labels[int(number) - 1] for name, number in pairs}


def take_inventory(images: Path, labels: Sequence[str], splits: Mapping[str, Mapping[str, str]]) -> list[Photo]:
    """Open every photo of every class folder.

    Raises:
        ValueError: files that cannot be decoded, that no split names, or that two splits name; listed files that are
            missing. The message names up to five of each.
    """
    split_of = {name: split for split, named in splits.items() for name in named}
    label_of = {name: label for named in splits.values() for name, label in named.items()}
    skipped = Skipped()
    files = [path for label in labels for path in photos_in(images / label, skipped)]
    if skipped.count:
        print(f"{images}: {skipped}")
    photos, broken = [], []
    for path in track(files, description="reading photos"):
        try:
            width, height = decode(path).size
        except OSError as exc:
            broken.append(f"{path.name} ({exc})")
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        split = split_of.get(path.name, "")
        photos.append(Photo(path.parent.name, path.name, split, width, height, path.stat().st_size, digest))
    present = {photo.name: photo.label for photo in photos}
    times_listed = Counter(name for named in splits.values() for name in named)
    problems = {
        "cannot be decoded": broken,
        "are in no split": [photo.name for photo in photos if not photo.split],
        "are listed, but missing": [name for name in label_of if name not in present],
        "are listed under another class": [
            name for name in label_of if present.get(name, label_of[name]) != label_of[name]
        ],
        "are in two splits": [name for name, times in times_listed.items() if times > 1],
    }
    _refuse(images, problems)
    return photos


def check_counts(photos: Sequence[Photo], expected: Mapping[str, int]) -> None:
    """Compare the number of photos in each class with what it must be.

    Raises:
        ValueError: a class has more or fewer.
    """
    counts = Counter(photo.label for photo in photos)
    _refuse(
        Path("the data set"),
        {
            "photos are there": [
                f"{counts[label]} of {count} {label}" for label, count in expected.items() if counts[label] != count
            ]
        },
    )


def write_inventory(photos: Sequence[Photo], path: Path) -> None:
    """Write the list of photos as CSV."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Photo)])
            writer.writeheader()
            writer.writerows(asdict(photo) for photo in photos)

    write_atomically(path, write)


def _refuse(where: Path, problems: Mapping[str, Sequence[str]]) -> None:
    found = []
    for what, names in problems.items():
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            found.append(f"{', '.join(names[:5])}{more} {what}")
    if found:
        raise ValueError(f"{where} is not whole: " + "; ".join(found))
