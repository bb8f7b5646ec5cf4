"""Puts photos into a folder for each class; those that are not sure lie apart."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from scripts.cli.classify.outcome import Answered, Outcome
from scripts.cli.classify.photos import shown

NOT_SURE = "not_sure"
_FOLDER_NAME = re.compile(r"\w[\w .-]*")


class SortError(Exception):
    """A photo could not be put into its folder; the text says why."""


class Sorter:
    """Copies photos, or links them, to `folder`/CLASS; nothing there is ever overwritten."""

    def __init__(self, folder: Path, *, link: bool) -> None:
        """Prepare.

        Args:
            folder: where the folders of the classes are, or will be made.
            link: make hard links, which need no room, where the file system can.
        """
        self._folder = folder
        self._link = link

    def sort(self, outcomes: Sequence[Outcome]) -> Path | None:
        """Put a photo into its folder: that of its class if every model is sure of it, else `not_sure`.

        Returns:
            Where it lies now; None where a model gave no answer.

        Raises:
            SortError: it cannot be put there.
        """
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answered)]
        if len(answers) < len(outcomes):
            return None
        classes = {answer.pred_class for answer in answers}
        sure = len(classes) == 1 and not any(answer.not_sure for answer in answers)
        name = classes.pop() if sure else NOT_SURE
        if not _FOLDER_NAME.fullmatch(name):
            raise SortError(f"The class {name!r} of the server cannot be the name of a folder.")
        photo, target = Path(outcomes[0].file), self._folder / name
        try:
            target.mkdir(parents=True, exist_ok=True)
            return self._put(photo, target)
        except OSError as exc:
            raise SortError(f"{shown(str(photo))} cannot be put into {shown(str(target))}: {exc.strerror}.") from exc

    def _put(self, photo: Path, folder: Path) -> Path:
        """Find a free name, photo.jpg, photo-2.jpg and so on; a photo that lies there already stays alone."""
        partial = folder / f".{photo.name}.partial"
        number = 1
        while True:
            target = folder / (photo.name if number == 1 else f"{photo.stem}-{number}{photo.suffix}")
            if _same(photo, target):
                return target
            if not target.exists():
                try:
                    if not (self._link and _linked(photo, partial)):
                        shutil.copy2(photo, partial)
                    if _moved(partial, target):
                        return target
                finally:
                    partial.unlink(missing_ok=True)
            number += 1


def _linked(photo: Path, target: Path) -> bool:
    target.unlink(missing_ok=True)
    try:
        os.link(photo.resolve(), target)
    except OSError:
        return False  # another file system, or one without links
    return True


def _moved(partial: Path, target: Path) -> bool:
    """Give a whole file its name; never in the place of another, even one that appears at this moment."""
    try:
        os.link(partial, target)
    except FileExistsError:
        return False
    except OSError:
        if target.exists():
            return False
        partial.rename(target)  # a file system without links, as on memory cards
    return True


def _same(one: Path, other: Path) -> bool:
    if not other.is_file() or one.stat().st_size != other.stat().st_size:
        return False
    return one.samefile(other) or one.read_bytes() == other.read_bytes()
