"""Photos as rows of a Parquet file: columns image (WebP bytes), label, source."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from PIL import Image

from training.atomic_write import write_atomically
from training.dataset.entries import Entry
from training.dataset.preprocessing import decode

_QUALITY = 80


def encode(path: Path, shorter_side: int) -> bytes:
    """Return the photo as WebP, shrunk so that its shorter side has at most so many pixels.

    Raises:
        OSError: the file cannot be decoded.
    """
    image = decode(path)
    scale = shorter_side / min(image.size)
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=4)
    return buffer.getvalue()


def write_entries(entries: Sequence[Entry], path: Path) -> None:
    """Write entries whose ``source`` is bytes."""
    columns = {
        "image": pa.array([entry.source for entry in entries], pa.binary()),
        "label": pa.array([entry.label for entry in entries], pa.string()),
        "source": pa.array([entry.name for entry in entries], pa.string()),
    }
    table = pa.table(columns)
    write_atomically(path, lambda temporary: pa.parquet.write_table(table, temporary, compression="none"))


def shuffle_key(name: str) -> int:
    """Return a number that orders names at random, the same way on every machine and whatever else is there."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
