"""Where data lies, and how a folder there is replaced as a whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Layout:
    """The folders under ``root``: ``raw`` is never changed once it is there, the other two are made from it."""

    root: Path = DATA

    @property
    def downloads(self) -> Path:
        """Archives on their way, kept so that a broken download goes on where it was."""
        return self.root / "raw" / "downloads"

    def raw(self, name: str) -> Path:
        """Return where a source lies as it came."""
        return self.root / "raw" / name

    def interim(self, name: str) -> Path:
        """Return where the inventory of a data set lies."""
        return self.root / "interim" / name

    def processed(self, name: str) -> Path:
        """Return where a data set lies that training can read."""
        return self.root / "processed" / name


@contextmanager
def whole_or_nothing(target: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``target`` to fill, and put it in the place of ``target`` when all went well.

    What an interrupted run left behind is removed first; an exception leaves ``target`` as it was.
    """
    staging = target.with_name(f".{target.name}.partial")
    old = target.with_name(f".{target.name}.old")
    for leftover in (staging, old):
        shutil.rmtree(leftover, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
        if target.exists():
            target.rename(old)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file at ``target`` without a second copy of its bytes, where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
