"""Exact and near duplicates among photos, found by perceptual hash under flips and quarter turns."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image, ImageOps

from training.dataset.entries import Entry

#: Bits in which two near duplicates may differ, of 256. On TrashNet all pairs up to 44 show one thing from one place,
#: and the first pair that does not stands at 54 (docs/experiments.md).
MOST_BITS = 48
_HASH_SIDE = 16
_THUMBNAIL = 4 * _HASH_SIDE
_CHUNK = 1024


@dataclass(frozen=True)
class Pair:
    """Duplicates, by their indices in the first and the second list; ``bits`` of their hashes differ."""

    first: int
    second: int
    bits: int


def perceptual_hashes(entries: Sequence[Entry], *, turned: bool = True) -> np.ndarray:
    """Hash each photo in its eight flips and quarter turns: BOOL [N, 8, 256], the photo as it is at [:, 0].

    Without ``turned`` only the photo as it is: BOOL [N, 1, 256]; enough for one of two sides of a comparison.

    The signs of the low frequencies of a discrete cosine transform (``imagehash.phash``): nearly the same for a photo
    that was scaled, compressed anew or taken again from almost the same place.

    Raises:
        ValueError: a photo cannot be decoded.
    """
    views = 8 if turned else 1
    hashes = np.empty((len(entries), views, _HASH_SIDE**2), dtype=bool)
    for row, entry in enumerate(entries):
        for column, view in enumerate(_views(_thumbnail(entry))[:views]):
            hashes[row, column] = imagehash.phash(view, hash_size=_HASH_SIDE).hash.ravel()
    return hashes


def find_pairs(first: np.ndarray, second: np.ndarray, most_bits: int = MOST_BITS) -> list[Pair]:
    """Compare hashes BOOL [N, V, 256] and [M, W, 256] and return the pairs within ``most_bits``, the nearest first.

    Every view of the first photos is held against the second photos as they are.
    """
    signs = _signs(second[:, 0])
    pairs = []
    for start in range(0, len(first), _CHUNK):
        part = first[start : start + _CHUNK]
        agreement = np.full((len(part), len(second)), -np.inf, dtype=np.float32)
        for view in range(part.shape[1]):
            np.maximum(agreement, _signs(part[:, view]) @ signs.T, out=agreement)
        bits = (signs.shape[1] - agreement) / 2
        for row, column in np.argwhere(bits <= most_bits):
            pairs.append(Pair(start + int(row), int(column), int(bits[row, column])))
    return sorted(pairs, key=lambda pair: (pair.bits, pair.first, pair.second))


def duplicates_of(splits: Mapping[str, Sequence[Entry]], training: Sequence[Entry]) -> dict[str, list[int]]:
    """Return for each split the indices of the photos that the training split has too, or nearly."""
    known = perceptual_hashes(training, turned=False)
    return {
        name: sorted({pair.first for pair in find_pairs(perceptual_hashes(entries), known)})
        for name, entries in splits.items()
    }


def _signs(bits: np.ndarray) -> np.ndarray:
    return np.where(bits, 1, -1).astype(np.float32)


def _thumbnail(entry: Entry) -> Image.Image:
    try:
        with Image.open(io.BytesIO(entry.source) if isinstance(entry.source, bytes) else entry.source) as image:
            # JPEG decodes straight to a small picture; other formats ignore this.
            image.draft("L", (2 * _THUMBNAIL, 2 * _THUMBNAIL))
            upright = ImageOps.exif_transpose(image).convert("L")
    except OSError as exc:
        raise ValueError(f"{entry.name} cannot be decoded: {exc}") from exc
    return upright.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BILINEAR)


def _views(image: Image.Image) -> list[Image.Image]:
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return [view for side in (image, mirrored) for view in (side, *map(side.transpose, turns))]
