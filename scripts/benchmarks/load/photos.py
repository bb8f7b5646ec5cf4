"""The photos that a benchmark sends."""

import sys
from pathlib import Path

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def photos_in(folder: Path, count: int) -> list[bytes]:
    """Read so many photos of a folder and those below it, evenly taken. Raises SystemExit where there are none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        sys.exit(f"There are no photos in {folder}.")
    return [path.read_bytes() for path in files[:: max(1, len(files) // count)][:count]]
