"""The numbers: counts, sizes, brightness and colour by class, mean images, duplicates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.dataset.duplicates import Pair, find_pairs, perceptual_hashes
from training.dataset.entries import Entry, PhotoSet, image_size, load_photos, read_entries

SPLITS = ("train", "val", "test")
_SIZE = 96


@dataclass(frozen=True)
class Survey:
    """A data set of N photos in C classes.

    ``counts`` are photos by class and split, INT64 [C, 3]; ``brightness`` is the mean of each photo, FP32 [N] on the
    scale 0 to 255; ``colours`` the mean colour of each class, FP64 [C, 3]; ``mean_images`` the mean photo of each
    class, UINT8 [C, S, S, 3]; ``duplicates`` the pairs of near duplicates across splits or under two labels.
    """

    classes: tuple[str, ...]
    splits: tuple[str, ...]
    photos: PhotoSet
    split_of: tuple[str, ...]
    counts: np.ndarray
    sizes: Counter[tuple[int, int]]
    brightness: np.ndarray
    colours: np.ndarray
    mean_images: np.ndarray
    duplicates: tuple[Pair, ...]

    def of_class(self, index: int) -> np.ndarray:
        """Return the indices of the photos of a class."""
        return np.flatnonzero(self.photos.labels.numpy() == index)

    def picture(self, index: int) -> np.ndarray:
        """Return one photo, UINT8 [S, S, 3]."""
        return self.photos.pixels[index].permute(1, 2, 0).numpy()

    def class_brightness(self) -> np.ndarray:
        """Return the mean brightness of each class, FP64 [C]."""
        return np.array([self.brightness[self.of_class(index)].mean() for index in range(len(self.classes))])


def survey(dataset: Path, classes: Sequence[str]) -> Survey:
    """Look at every photo of a data set's three splits.

    Raises:
        FileNotFoundError: the data set, a split or a photo is missing.
        ValueError: a photo cannot be decoded, or a class has no photo.
    """
    listed = [(entry, split) for split in SPLITS for entry in read_entries(dataset, split)]
    entries, split_of = [entry for entry, _ in listed], tuple(split for _, split in listed)
    photos = load_photos(entries, classes, _SIZE)
    labels = photos.labels.numpy()
    counts = np.zeros((len(classes), len(SPLITS)), dtype=np.int64)
    for label, split in zip(labels, split_of, strict=True):
        counts[label, SPLITS.index(split)] += 1
    empty = [name for name, total in zip(classes, counts.sum(axis=1), strict=True) if not total]
    if empty:
        raise ValueError(f"{dataset} has no photo of {', '.join(empty)}")
    means = [photos.pixels[labels == index].float().mean(dim=0).permute(1, 2, 0) for index in range(len(classes))]
    return Survey(
        classes=tuple(classes),
        splits=SPLITS,
        photos=photos,
        split_of=split_of,
        counts=counts,
        sizes=Counter(map(image_size, entries)),
        brightness=photos.pixels.float().mean(dim=(1, 2, 3)).numpy(),
        colours=np.stack([mean.mean(dim=(0, 1)).double().numpy() for mean in means]),
        mean_images=np.stack([mean.round().byte().numpy() for mean in means]),
        duplicates=_duplicates(entries, split_of),
    )


def _duplicates(entries: Sequence[Entry], split_of: Sequence[str]) -> tuple[Pair, ...]:
    hashes = perceptual_hashes(entries)
    return tuple(
        pair
        for pair in find_pairs(hashes, hashes[:, :1])
        if pair.first < pair.second
        and (split_of[pair.first] != split_of[pair.second] or entries[pair.first].label != entries[pair.second].label)
    )
