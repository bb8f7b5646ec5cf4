"""``python -m data.split FOLDER``: share the photos of one's own folder out among a train, a val and a test list."""

import argparse
import sys
from functools import partial
from pathlib import Path

from data.parquet import shuffle_key
from training.atomic_write import write_atomically

#: Of every twenty photos of a class; the rest is trained on.
_VAL, _TEST = 3, 3
_OF = 20


def share_out(folder: Path) -> dict[str, list[str]]:
    """Return the lines of each list: the photos of every class in an order that is random but always the same.

    Args:
        folder: a folder with one subfolder for each class, or with such folders under ``images``.

    Raises:
        ValueError: there are fewer than two classes, a name holds a space, or a class has too few photos to share out.
    """
    images = folder / "images" if (folder / "images").is_dir() else folder
    classes = sorted(path for path in images.iterdir() if path.is_dir()) if images.is_dir() else []
    if len(classes) < 2:
        raise ValueError(f"{folder} needs one subfolder for each class, two at least")
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for path in classes:
        names = sorted((file.name for file in path.iterdir() if file.is_file()), key=shuffle_key)
        if spaced := [name for name in (path.name, *names) if " " in name]:
            raise ValueError(f"{spaced[0]!r} holds a space, which the lists can not: rename it")
        val, test = len(names) * _VAL // _OF, len(names) * _TEST // _OF
        if not val or not test:
            raise ValueError(
                f"{path} holds {len(names)} photos; {-(-_OF // _VAL)} are the least, a hundred a good start"
            )
        parts = {"val": names[:val], "test": names[val : val + test], "train": names[val + test :]}
        for split, part in parts.items():
            lists[split] += [f"{name} {path.name}" for name in part]
    return lists


def main(arguments: list[str] | None = None) -> int:
    """Write the three lists into the folder."""
    parser = argparse.ArgumentParser(prog="python -m data.split", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with one subfolder for each class")
    folder = parser.parse_args(arguments).folder
    try:
        lists = share_out(folder)
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    for split, lines in lists.items():
        text = "".join(f"{line}\n" for line in lines)
        write_atomically(folder / f"{split}.txt", partial(_write, text))
        print(f"{folder / split}.txt: {len(lines)} photos")
    return 0


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
