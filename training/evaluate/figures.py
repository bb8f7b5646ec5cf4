"""Figures of an evaluation as PNG, drawn without a display: confusion matrix, reliability, contact sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.atomic_write import write_atomically
from training.evaluate.calibration import reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110


def save(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG."""
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI, format="png"))


def draw_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> "Figure":
    """Draw a confusion matrix: counts as text, shares of the true class as shade."""
    from matplotlib.figure import Figure

    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 1.6 + 0.7 * len(classes)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        shade = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade)
    axes.set_xticks(range(len(classes)), classes, rotation=45)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("answer")
    axes.set_ylabel("true class")
    axes.set_title(title)
    return figure


def draw_reliability(probabilities: np.ndarray, labels: np.ndarray, title: str) -> "Figure":
    """Draw accuracy against confidence, and how many answers are where: probabilities [N, C], labels [N]."""
    from matplotlib.figure import Figure

    table = reliability(probabilities, labels)
    figure = Figure(figsize=(5, 5.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
    upper.plot([row.confidence for row in table], [row.accuracy for row in table], marker="o", label="model")
    upper.set_ylabel("accuracy")
    upper.set_ylim(0, 1.02)
    upper.grid(alpha=0.3)
    upper.legend()
    upper.set_title(title)
    lower.bar(
        [row.low for row in table], [row.count for row in table], [row.high - row.low for row in table], align="edge"
    )
    lower.set_xlabel("confidence")
    lower.set_ylabel("photos")
    lower.set_xlim(0, 1)
    return figure


def draw_contact_sheet(
    pictures: Sequence[np.ndarray], captions: Sequence[str], title: str, columns: int = 5
) -> "Figure":
    """Draw pictures, UINT8 [H, W, 3] each, in rows, with a caption under each."""
    from matplotlib.figure import Figure

    rows = max(1, -(-len(pictures) // columns))
    figure = Figure(figsize=(2.2 * columns, 2.5 * rows + 0.4), layout="constrained")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.axis("off")
    for axes, picture, caption in zip(figure.axes, pictures, captions, strict=False):
        axes.imshow(picture)
        axes.set_title(caption, fontsize=7, y=-0.05, va="top")
    figure.suptitle(title)
    return figure
