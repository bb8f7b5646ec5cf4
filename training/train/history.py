"""The history of a run: a row an epoch as CSV, and the curves as PNG."""

import csv
from pathlib import Path

from training.atomic_write import write_atomically

Row = dict[str, float]


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
