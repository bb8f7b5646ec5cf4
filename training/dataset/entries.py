"""Photos in memory: decoded and resized once, kept as bytes, so that augmentation never waits for a decoder."""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet
import torch
from PIL import Image

from training.dataset.preprocessing import decode, resize

SPLITS = Path(__file__).resolve().parents[2] / "data" / "splits"
#: The official splits number the classes from 1 in this order; the class file has the same one.
OFFICIAL_ORDER = ("glass", "paper", "cardboard", "plastic", "metal", "trash")
#: Pillow decodes outside the interpreter's lock, but where pictures are small, more threads only wait for it.
_THREADS = 4
_COLUMNS = ("image", "label", "source", "original")
#: Index of the class of a photo that shows none of them.
UNLABELLED = -1


@dataclass(frozen=True)
class Entry:
    """One photo of a data set: its encoded bytes or file, its class name, and a name to report it by.

    ``original`` names the photo that it was cut from; crops of one photo share it, and a split must not part them.
    ``place`` is the name of the set that it comes from, that of its folder or file. The label '' means none of the
    classes.
    """

    source: bytes | Path
    label: str
    name: str
    original: str = ""
    place: str = ""


@dataclass(frozen=True)
class PhotoSet:
    """Photos in memory: pixels UINT8 [N, 3, S, S], labels INT64 [N] into ``classes`` or ``UNLABELLED``, and N names."""

    pixels: torch.Tensor
    labels: torch.Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def read_entries(dataset: Path, split: str) -> list[Entry]:
    """List the photos of one split of a data set.

    A data set is a Parquet file (columns image, label, source; one split by itself, whatever ``split`` says) or a
    folder with one subfolder a class and its splits beside it (``train.txt`` …). TrashNet without splits has those of
    data/splits.

    Raises:
        FileNotFoundError: the data set, its split, or a photo that the split names is missing.
    """
    if dataset.suffix == ".parquet":
        return read_parquet(dataset)
    if not dataset.is_dir():
        raise FileNotFoundError(f"{dataset} is neither a folder with a subfolder for each class nor a .parquet file")
    images = dataset / "images" if (dataset / "images").is_dir() else dataset
    split_file = dataset / f"{split}.txt"
    if not split_file.exists():
        split_file = SPLITS / f"{split}.txt"
        # TrashNet has official splits; another folder's photos are not in them.
        if not any((images / label / name).exists() for name, label in _listed(split_file)):
            raise FileNotFoundError(
                f"{dataset} has no {split}.txt: share its photos out first, by `bin-it-right data split {dataset}`"
            )
    entries = []
    for name, label in _listed(split_file):
        path = images / label / name
        if not path.exists():
            remedy = "run `make data`"
            if split_file.parent == SPLITS:
                # Own photos may be called like TrashNet's.
                remedy += f", or share your own photos out by `bin-it-right data split {dataset}`"
            raise FileNotFoundError(f"{split_file} names {name}, which is not in {images / label}; {remedy}")
        entries.append(Entry(path, label, name, place=dataset.resolve().name))
    return entries


def _listed(split_file: Path) -> list[tuple[str, str]]:
    """Return name and label of every line of a split."""
    if not split_file.exists():
        return []
    lines = split_file.read_text(encoding="utf-8").splitlines()
    pairs = (line.rsplit(maxsplit=1) for line in lines if line.strip())
    return [(name, OFFICIAL_ORDER[int(label) - 1] if label.isdigit() else label) for name, label in pairs]


def read_parquet(path: Path) -> list[Entry]:
    """Read the photos of a Parquet file: columns image, label, source and, if it has it, original.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no Parquet file, or lacks a column.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        columns = [name for name in _COLUMNS if name in pyarrow.parquet.read_schema(path).names]
        if missing := [name for name in _COLUMNS[:3] if name not in columns]:
            raise ValueError(f"{path} has no column {', '.join(missing)}; it needs image, label and source")
        rows = pyarrow.parquet.read_table(path, columns=columns).to_pylist()
    except pyarrow.ArrowException as exc:
        raise ValueError(f"{path} is no Parquet file: {exc}") from exc
    originals = [row.get("original") or row["source"] for row in rows]
    return [
        Entry(row["image"], row["label"] or "", original, original, path.stem)
        for row, original in zip(rows, originals, strict=True)
    ]


def load_photos(entries: Sequence[Entry], classes: Sequence[str], size: int) -> PhotoSet:
    """Decode every entry and resize it to ``size`` pixels by the serving preprocessing.

    Raises:
        ValueError: there is no photo, a label is not among the classes, or a photo cannot be decoded.
    """
    labels = label_indices(entries, classes)
    if unlabelled := [entry.name for entry, label in zip(entries, labels, strict=True) if label == UNLABELLED]:
        raise ValueError(f"{unlabelled[0]} is labelled ''; the classes are {', '.join(classes)}")
    return PhotoSet(load_pixels(entries, size), labels, tuple(entry.name for entry in entries), tuple(classes))


def label_indices(entries: Sequence[Entry], classes: Sequence[str]) -> torch.Tensor:
    """Return the class of each entry, INT64 [N], ``UNLABELLED`` where its label is ''.

    Raises:
        ValueError: a label is not among the classes.
    """
    index = {name: number for number, name in enumerate(classes)} | {"": UNLABELLED}
    for entry in entries:
        if entry.label not in index:
            raise ValueError(f"{entry.name} is labelled {entry.label!r}; the classes are {', '.join(classes)}")
    return torch.tensor([index[entry.label] for entry in entries])


def load_pixels(entries: Sequence[Entry], size: int) -> torch.Tensor:
    """Decode every entry and resize it by the serving preprocessing: UINT8 [N, 3, size, size].

    Raises:
        ValueError: there is no photo, or some cannot be decoded; the message names them all.
    """
    if not entries:
        raise ValueError("the data set has no photo")
    pixels = torch.empty((len(entries), 3, size, size), dtype=torch.uint8)

    def load(row: int) -> str | None:
        try:
            pixels[row] = resize(decode(entries[row].source), size)
        except OSError as exc:
            return f"{entries[row].name} cannot be decoded: {exc}"
        return None

    with ThreadPoolExecutor(_THREADS, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        broken = [reason for reason in pool.map(load, range(len(entries))) if reason]
    if broken:
        count = f"{len(broken)} of {len(entries)} photos cannot be used. " if len(broken) > 1 else ""
        raise ValueError(f"{count}{'; '.join(broken)}")
    return pixels


def image_size(entry: Entry) -> tuple[int, int]:
    """Return width and height in pixels, as stored in the file (before its EXIF orientation)."""
    with Image.open(io.BytesIO(entry.source) if isinstance(entry.source, bytes) else entry.source) as image:
        return image.size
