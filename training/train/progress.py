"""Progress of a run: a bar on a terminal, a plain line an epoch in a log."""

import time

import torch
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_READ_SECONDS = 0.25


class Progress:
    """Shows loss, learning rate, validation figures and the time left of ``epochs`` epochs."""

    def __init__(self, epochs: int, *, prints: bool = True) -> None:
        self._epochs = epochs
        self._console = Console(quiet=not prints, soft_wrap=True)
        self._durations: list[float] = []
        self._began = time.monotonic()
        self._shown = 0.0
        self._bar: Bar | None = None
        if prints and self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=self._console)
            self._task = self._bar.add_task("epoch", total=None, figures="")
            self._bar.start()

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, highlight=False)

    def begin(self, epoch: int, steps: int) -> None:
        """Start an epoch (from 0) of so many steps."""
        self._began = time.monotonic()
        if self._bar is not None:
            self._bar.reset(self._task, total=steps, description=f"epoch {epoch + 1}/{self._epochs}")

    def step(self, loss: torch.Tensor, learning_rate: float) -> None:
        """Count a step; its loss is read a few times a second only, because reading it waits for the device."""
        if self._bar is None:
            return
        if time.monotonic() < self._shown + _READ_SECONDS:
            self._bar.update(self._task, advance=1)
            return
        self._bar.update(self._task, advance=1, figures=f"loss {float(loss):.3f}  rate {learning_rate:.4f}")
        self._shown = time.monotonic()

    def epoch(self, row: dict[str, float]) -> None:
        """Print the line of an epoch that is over."""
        self._durations.append(time.monotonic() - self._began)
        recent = self._durations[-5:]
        left = (self._epochs - row["epoch"]) * sum(recent) / len(recent)
        self.say(
            f"epoch {row['epoch']:.0f}/{self._epochs}  loss {row['train_loss']:.3f}  "
            f"validation: loss {row['val_loss']:.3f} accuracy {row['val_accuracy']:.4f} "
            f"balanced {row['val_balanced_accuracy']:.4f}  {recent[-1]:.0f} s, about {left / 60:.0f} min left"
        )

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.stop()
