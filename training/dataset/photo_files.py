"""Which files of a folder are photos: operating systems, cloud drives and notebooks leave others between them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Suffixes of the formats that the service accepts, in lower case.
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
        *(".heic", ".heif", ".hif", ".avif"),
    )
)
#: Folders that hold thumbnails and other by-products, never photos of their own. Hidden ones (".x") are skipped too.
_BY_PRODUCTS = frozenset(("@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"))


@dataclass
class Skipped:
    """Files that are no photos: how many, and the names of the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < 5:
            self.examples.append(name)

    def __str__(self) -> str:
        """Return one line for people."""
        more = ", …" if self.count > len(self.examples) else ""
        files = "file that is no photo" if self.count == 1 else "files that are no photos"
        return f"skipped {self.count} {files}: {', '.join(self.examples)}{more}"


def is_photo_folder(name: str) -> bool:
    """Say whether a folder of this name can hold photos of its own."""
    return not name.startswith(".") and name not in _BY_PRODUCTS


def is_photo(path: Path) -> bool:
    """Say whether a file is a photo by its name and length; its content is not read.

    Hidden files (``._photo.jpg`` of macOS, ``.DS_Store``), empty ones, and those with another suffix
    (``Thumbs.db``, ``photo.jpg:Zone.Identifier``) are none.
    """
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
        return False
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False


def photos_in(folder: Path, skipped: Skipped) -> list[Path]:
    """Return the photos that lie directly in a folder, by name; everything else is counted in ``skipped``."""
    photos = []
    for path in sorted(folder.iterdir()):
        if is_photo(path):
            photos.append(path)
        else:
            skipped.add(path.name)
    return photos


def photos_below(folder: Path, skipped: Skipped) -> Iterator[Path]:
    """Yield the photos in a folder and in those below it, by name; other files are counted in ``skipped``."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if is_photo_folder(name))
        for name in sorted(files):
            path = Path(parent, name)
            if is_photo(path):
                yield path
            else:
                skipped.add(name)


def class_folders(folder: Path) -> list[Path]:
    """Return the subfolders that stand for classes: those of ``folder``, or of ``folder/images`` where that exists."""
    images = folder / "images" if (folder / "images").is_dir() else folder
    if not images.is_dir():
        return []
    return sorted(path for path in images.iterdir() if path.is_dir() and is_photo_folder(path.name))
