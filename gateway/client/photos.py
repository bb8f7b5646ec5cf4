"""Reads photos, and groups them into forms."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.client.types import Photo

_HEAD_BYTES = 512  # of a part in a form, generously
File = tuple[str | None, bytes]  # the path as it was given, and the bytes


def read(photo: Photo) -> File:
    """Return path and bytes of a photo. Raises OSError where its file cannot be read."""
    return (None, photo) if isinstance(photo, bytes) else (os.fspath(photo), Path(photo).read_bytes())


def forms(photos: Iterable[Photo], limits: tuple[int, int] | None) -> Iterator[list[File]]:
    """Yield the photos in groups that fit into a form; a photo that is too large for any is alone."""
    most_files, most_bytes = limits or (1, 0)
    files: list[File] = []
    length = _HEAD_BYTES
    for photo in photos:
        file = read(photo)
        size = len(file[1]) + _HEAD_BYTES
        if files and (len(files) == most_files or length + size > most_bytes):
            yield files
            files, length = [], _HEAD_BYTES
        files.append(file)
        length += size
    if files:
        yield files
