"""The history of a run: a row an epoch as CSV, and the curves as PNG."""

import csv
from pathlib import Path

import torch
from torch.nn import functional

from training.atomic_write import write_atomically
from training.evaluate.metrics import eight_metrics

Row = dict[str, float]


def validation_row(logits: torch.Tensor, labels: torch.Tensor) -> Row:
    """Return the validation's columns of a row, from logits FP32 [N, classes] and labels INT64 [N]."""
    values = eight_metrics(labels.numpy(), logits.argmax(dim=1).numpy())
    return {
        "val_loss": float(functional.cross_entropy(logits, labels)),
        "val_accuracy": values["accuracy"],
        "val_balanced_accuracy": values["balanced_accuracy"],
    }


def write_history(folder: Path, history: list[Row]) -> None:
    """Write ``history.csv`` and ``curves.png``."""

    def write_csv(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(history[0]))
            writer.writeheader()
            writer.writerows(history)

    write_atomically(folder / "history.csv", write_csv)
    write_atomically(folder / "curves.png", lambda path: _draw(path, history))


def _draw(path: Path, history: list[Row]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for axes, names in ((losses, ("train_loss", "val_loss")), (accuracies, ("val_accuracy", "val_balanced_accuracy"))):
        for name in names:
            axes.plot(epochs, [row[name] for row in history], label=name.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120, format="png")
