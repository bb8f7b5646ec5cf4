"""Photos from several places, to measure how well a network does away from the place it was trained on."""

from collections.abc import Sequence
from pathlib import Path

from training.dataset.entries import Entry, read_parquet
from training.dataset.photo_files import Skipped, class_folders, is_photo_folder, photos_below

#: Label of photos that show none of the classes. As a folder it is called ``none``.
NONE = ""
_NONE_FOLDER = "none"


def read_places(folder: Path, classes: Sequence[str]) -> dict[str, list[Entry]]:
    """Read every place of a folder, by name.

    A place is a Parquet file (columns image, label, source, original) or a folder with one subfolder a class; photos of
    none of the classes have the label '' or lie in the subfolder ``none``. Other files are ignored.

    Args:
        folder: holds the places.
        classes: the class names; a label must be one of them or ''.

    Returns:
        The photos of each place, by the name of its file or folder.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it holds no place, a label is unknown, or a place has no photo of any class.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder} with places")
    places = {path.stem: read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and is_photo_folder(path.name)):
        if entries := _of_folders(path):
            places[path.name] = entries
    if not places:
        raise ValueError(f"{folder} holds no place: neither a .parquet file nor a folder with a subfolder a class")
    for name, entries in places.items():
        labels = {entry.label for entry in entries} - {NONE}
        if unknown := labels - set(classes):
            raise ValueError(f"{name} has the label {sorted(unknown)[0]!r}; the classes are {', '.join(classes)}")
        if not labels:
            raise ValueError(f"{name} has no photo of any of the classes {', '.join(classes)}")
    return places


def _of_folders(place: Path) -> list[Entry]:
    skipped = Skipped()
    entries = [
        Entry(path, NONE if folder.name == _NONE_FOLDER else folder.name, f"{folder.name}/{path.name}", str(path))
        for folder in class_folders(place)
        for path in photos_below(folder, skipped)
    ]
    if skipped.count:
        print(f"{place.name}: {skipped}")
    return entries
