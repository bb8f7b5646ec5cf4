"""TrashNet from raw to processed: inventory, verification, duplicates, the layout that training reads."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data import trashnet
from data.layout import Layout, link_or_copy, whole_or_nothing
from data.verify import Photo, check_counts, read_split, take_inventory, write_inventory
from training.atomic_write import write_atomically
from training.dataset.duplicates import find_pairs, perceptual_hashes
from training.dataset.entries import OFFICIAL_ORDER, SPLITS, Entry


@dataclass(frozen=True)
class Duplicate:
    """Two photos that are one, or nearly: ``bits`` of 256 differ in their perceptual hashes."""

    first: Photo
    second: Photo
    bits: int

    @property
    def same_file(self) -> bool:
        """Whether they are the same byte for byte."""
        return self.first.sha256 == self.second.sha256


def prepare(layout: Layout, counts: Mapping[str, int] = trashnet.COUNTS, splits: Path = SPLITS) -> list[Duplicate]:
    """Verify ``raw/trashnet`` and make ``interim/trashnet`` and ``processed/trashnet`` from it.

    Returns:
        The duplicates between different splits, and those under different labels.

    Raises:
        ValueError: photos are missing, broken, too many, or not those of the official splits; nothing was made then.
    """
    images = trashnet.find_images(layout.raw(trashnet.NAME))
    official = {split: read_split(splits / f"{split}.txt", OFFICIAL_ORDER) for split in trashnet.SPLITS}
    photos = take_inventory(images, sorted(counts), official)
    check_counts(photos, counts)
    found = find_duplicates(images, photos)
    interim = layout.interim(trashnet.NAME)
    write_inventory(photos, interim / "photos.csv")
    write_duplicates(found, interim / "duplicates.csv")
    with whole_or_nothing(layout.processed(trashnet.NAME)) as staging:
        for photo in photos:
            link_or_copy(images / photo.label / photo.name, staging / "images" / photo.label / photo.name)
        for split in trashnet.SPLITS:
            shutil.copyfile(splits / f"{split}.txt", staging / f"{split}.txt")
    return found


def find_duplicates(images: Path, photos: Sequence[Photo]) -> list[Duplicate]:
    """Return the pairs of near duplicates that matter: across splits, or under two labels."""
    entries = [Entry(images / photo.label / photo.name, photo.label, photo.name) for photo in photos]
    hashes = perceptual_hashes(entries)
    pairs = [pair for pair in find_pairs(hashes, hashes) if pair.first < pair.second]
    duplicates = [Duplicate(photos[pair.first], photos[pair.second], pair.bits) for pair in pairs]
    return [
        pair for pair in duplicates if pair.first.split != pair.second.split or pair.first.label != pair.second.label
    ]


def write_duplicates(duplicates: Sequence[Duplicate], path: Path) -> None:
    """Write the pairs as CSV."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["first", "first_split", "second", "second_split", "bits", "same_file"])
            for pair in duplicates:
                first, second = pair.first, pair.second
                writer.writerow([first.name, first.split, second.name, second.split, pair.bits, pair.same_file])

    write_atomically(path, write)
