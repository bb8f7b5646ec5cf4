"""TrashNet (G. Thung and M. Yang, MIT licence): where it comes from and what it has to hold."""

from pathlib import Path

NAME = "trashnet"
KAGGLE = "asdasdasasdas/garbage-classification"
ARCHIVE = "https://github.com/garythung/trashnet/raw/master/data/dataset-resized.zip"
#: Photos in each class.
COUNTS = {"cardboard": 403, "glass": 501, "metal": 410, "paper": 594, "plastic": 482, "trash": 137}
SPLITS = ("train", "val", "test")


def find_images(source: Path) -> Path:
    """Return the folder under ``source`` that has a subfolder for each class.

    Kaggle wraps it twice, TrashNet's archive once, a copy of this project's ``processed`` calls it ``images``.

    Raises:
        ValueError: there is none.
    """
    candidates = [
        source,
        *sorted((path for path in source.rglob("*") if path.is_dir()), key=lambda path: len(path.parts)),
    ]
    for folder in candidates:
        if all((folder / name).is_dir() for name in COUNTS):
            return folder
    raise ValueError(f"{source} has no folder with the subfolders {', '.join(sorted(COUNTS))}")
