"""The figures of a survey."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.eda.survey import Survey
from training.evaluate.figures import draw_contact_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EACH = 8
_MOST_PAIRS = 20


def draw_counts(survey: Survey) -> "Figure":
    """Draw the photos of each class, split by split."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    below = np.zeros(len(survey.classes))
    for column, split in enumerate(survey.splits):
        axes.bar(survey.classes, survey.counts[:, column], bottom=below, label=split)
        below += survey.counts[:, column]
    for position, total in enumerate(below):
        axes.text(position, total, f"{total:.0f}", ha="center", va="bottom")
    axes.set_ylabel("photos")
    axes.margins(y=0.1)
    axes.legend()
    return figure


def draw_sizes(survey: Survey) -> "Figure":
    """Draw width against height; a larger dot stands for more photos."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.subplots()
    widths, heights = zip(*survey.sizes, strict=True)
    counts = np.array(list(survey.sizes.values()))
    axes.scatter(widths, heights, s=20 + 300 * counts / counts.max(), alpha=0.6)
    for (width, height), count in survey.sizes.most_common(5):
        axes.annotate(f"{width}x{height}: {count}", (width, height), xytext=(6, 6), textcoords="offset points")
    axes.set_xlabel("width in pixels")
    axes.set_ylabel("height in pixels")
    axes.set_xlim(0, max(widths) * 1.7)
    axes.set_ylim(0, max(heights) * 1.3)
    return figure


def draw_brightness(survey: Survey) -> "Figure":
    """Draw the brightness of the photos of each class as boxes, in the class's mean colour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    values = [survey.brightness[survey.of_class(index)] for index in range(len(survey.classes))]
    boxes = axes.boxplot(values, tick_labels=list(survey.classes), patch_artist=True, showmeans=True)
    for box, colour in zip(boxes["boxes"], survey.colours / 255, strict=True):
        box.set_facecolor(tuple(colour))
    axes.set_ylabel("mean of a photo's pixels, 0 to 255")
    axes.grid(axis="y", alpha=0.3)
    return figure


def draw_colours(survey: Survey) -> "Figure":
    """Draw the mean red, green and blue of each class."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    positions = np.arange(len(survey.classes))
    for offset, (channel, colour) in enumerate((("red", "tab:red"), ("green", "tab:green"), ("blue", "tab:blue"))):
        axes.bar(positions + 0.27 * (offset - 1), survey.colours[:, offset], 0.25, label=channel, color=colour)
    axes.set_xticks(positions, survey.classes)
    axes.set_ylabel("mean of the class, 0 to 255")
    axes.margins(y=0.2)
    axes.legend(loc="upper center", ncols=3)
    return figure


def draw_mean_images(survey: Survey) -> "Figure":
    """Draw the mean photo of each class."""
    return draw_contact_sheet(list(survey.mean_images), survey.classes, "", columns=len(survey.classes))


def draw_examples(survey: Survey) -> "Figure":
    """Draw photos of each class, a row each, at even distances in the splits."""
    pictures, captions = [], []
    for index, name in enumerate(survey.classes):
        photos = survey.of_class(index)
        chosen = photos[np.linspace(0, len(photos) - 1, _EACH).astype(int)]
        pictures += [survey.picture(photo) for photo in chosen]
        captions += [f"{name}: {survey.photos.names[photo].rsplit('/', 1)[-1]}" for photo in chosen]
    return draw_contact_sheet(pictures, captions, "", columns=_EACH)


def draw_duplicates(survey: Survey) -> "Figure":
    """Draw pairs of duplicates side by side, two pairs a row."""
    pictures, captions = [], []
    for pair in survey.duplicates[:_MOST_PAIRS]:
        for photo in (pair.first, pair.second):
            pictures.append(survey.picture(photo))
            captions.append(
                f"{survey.photos.names[photo].rsplit('/', 1)[-1]}, {survey.split_of[photo]}\n{pair.bits} bits"
            )
    return draw_contact_sheet(pictures, captions, "", columns=4)


#: What the page shows, in its order: file name, heading, drawing.
FIGURES: tuple[tuple[str, str, Callable[[Survey], "Figure"]], ...] = (
    ("counts", "Photos in each class and split", draw_counts),
    ("sizes", "Sizes", draw_sizes),
    ("brightness", "Brightness", draw_brightness),
    ("colours", "Mean colour", draw_colours),
    ("mean_images", "The mean photo of each class", draw_mean_images),
    ("examples", "Examples", draw_examples),
    ("duplicates", "The same photo, or nearly, in two splits or under two labels", draw_duplicates),
)
