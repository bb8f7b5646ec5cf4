"""Finds the photos that the command line names: files, folders, globs, standard input."""

import glob
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

STANDARD_INPUT = "-"
MAX_BYTES = 100_000_000
_CONTROLS = frozenset(("Cc", "Zl", "Zp"))  # Unicode's categories


class PhotoError(Exception):
    """A photo cannot be found or read; the text says why."""


def shown(name: str) -> str:
    """Return a file's name as text for one line: bytes that are no UTF-8 and control characters as in `\\x1b`.

    Names are whatever somebody called a file: such characters end a run, move the cursor of a terminal, or begin a row.
    """
    text = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(_escaped(letter) if unicodedata.category(letter) in _CONTROLS else letter for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def check(inputs: Sequence[str]) -> None:
    """Refuse, before anything is sent, a name that is not there, a folder without photos, a glob without matches.

    Raises:
        PhotoError: naming the input.
    """
    from training.dataset.photo_files import SUFFIXES

    for name in inputs:
        if Path(name).is_dir() and next(_below(name), None) is None:
            raise PhotoError(f"There are no photos in {shown(name)}: no file is called {', '.join(sorted(SUFFIXES))}.")
        if name == STANDARD_INPUT or Path(name).exists():
            continue
        if not glob.has_magic(name):
            raise PhotoError(f"There is no file or folder {shown(name)}.")
        if next(_matches(name), None) is None:
            raise PhotoError(f"Nothing matches {shown(name)}.")


def find(inputs: Sequence[str], leave_out: Path | None = None) -> Iterator[str]:
    """Yield the names of the photos, one at a time; folders and what is below them in the order of their names.

    Args:
        inputs: files, folders, globs, or - for standard input.
        leave_out: a folder of which no photo is yielded, though it may lie below one of the inputs.
    """
    left_out = None if leave_out is None else leave_out.resolve()
    for name in _find(inputs):
        if left_out is None or name == STANDARD_INPUT or not Path(name).resolve().is_relative_to(left_out):
            yield name


def _find(inputs: Sequence[str]) -> Iterator[str]:
    for name in inputs:
        if name == STANDARD_INPUT:
            yield name
        elif Path(name).is_dir():
            yield from _below(name)
        elif Path(name).exists():
            yield name
        else:
            yield from sorted(_matches(name))


def read(name: str) -> bytes:
    """Return the bytes of a photo.

    Raises:
        PhotoError: it cannot be read, or is larger than any photo.
    """
    try:
        if name == STANDARD_INPUT:
            return sys.stdin.buffer.read(MAX_BYTES)
        path = Path(name)
        if path.stat().st_size > MAX_BYTES:
            raise PhotoError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
        return path.read_bytes()
    except OSError as exc:
        raise PhotoError(f"The file cannot be read: {exc.strerror}.") from exc


def _matches(pattern: str) -> Iterator[str]:
    # Path.glob takes no absolute patterns.
    return (path for path in glob.iglob(pattern, recursive=True) if not Path(path).is_dir())  # noqa: PTH207


def _below(folder: str) -> Iterator[str]:
    """Yield the photos in a folder and in those below it; empty files and by-products (`._a.jpg`) are none."""
    from training.dataset.photo_files import Skipped, photos_below

    return (str(path) for path in photos_below(Path(folder), Skipped()))
