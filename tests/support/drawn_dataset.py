"""Small data sets that tests draw: photos of things that are easy to tell apart, in the layout that training reads."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

#: The thing's colour in each class; a network of any size can learn to tell them apart.
COLOURS = ((36, 120, 60), (236, 234, 226), (168, 116, 66), (60, 110, 200), (130, 132, 140), (200, 40, 120))
SPLIT_SIZES = {"train": 12, "val": 4, "test": 4}


def draw(kind: int, seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """A blot of the kind's colour on a board, with shades that make every picture and its hash another one."""
    random_ = random.Random(1000 * kind + seed)
    picture = Image.new("RGB", (width, height), tuple(random_.randint(190, 220) for _ in range(3)))
    pen = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y = random_.uniform(0, width), random_.uniform(0, height)
        shade = random_.randint(60, 250)
        pen.ellipse((x, y, x + width / 4, y + height / 4), fill=(shade, shade, shade))
    x, y = random_.uniform(0, width * 0.3), random_.uniform(0, height * 0.3)
    pen.rounded_rectangle((x, y, x + width * 0.65, y + height * 0.65), width / 8, fill=COLOURS[kind % len(COLOURS)])
    return picture.filter(ImageFilter.GaussianBlur(width / 100))


def write_dataset(
    folder: Path,
    classes: Sequence[str],
    splits: Mapping[str, int] = SPLIT_SIZES,
    *,
    labels: Mapping[str, str] | None = None,
) -> Path:
    """Draw a data set with so many photos of each class in each split.

    The splits name the classes; or, where ``labels`` gives it for a class, by what stands there (a number, say).
    """
    seed = 0
    lines: dict[str, list[str]] = {split: [] for split in splits}
    for split, count in splits.items():
        for kind, label in enumerate(classes):
            (folder / "images" / label).mkdir(parents=True, exist_ok=True)
            for _ in range(count):
                seed += 1
                name = f"{label}{seed}.jpg"
                draw(kind, seed).save(folder / "images" / label / name, quality=95)
                lines[split].append(f"{name} {(labels or {}).get(label, label)}")
    for split, named in lines.items():
        (folder / f"{split}.txt").write_text("\n".join(named) + "\n", encoding="utf-8")
    return folder
