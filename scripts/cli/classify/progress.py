"""How far a run is: a bar with rate and time left on a terminal, a plain line now and then in a log."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_LINE_SECONDS = 10.0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f} images/s", style="progress.data.speed")


class RunProgress:
    """Counts photos; `total` is how many there are, None where nobody knows."""

    def __init__(self, console: Console, total: int | None) -> None:
        self._console = console
        self.total = total
        self._done = 0
        self._began = self._spoke = time.monotonic()
        columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        shown = console.is_terminal and total is not None and total > 1
        self._bar = Progress(*columns, console=console, transient=True, disable=not shown)
        self._task = self._bar.add_task("photos", total=total)

    @property
    def left(self) -> int:
        """Photos that are still to come, as far as anybody knows."""
        return (self.total or self._done) - self._done

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar off the terminal."""
        self._bar.stop()

    def advance(self) -> None:
        """Count one photo."""
        self._done += 1
        self._bar.advance(self._task)
        if self.total is not None and not self._console.is_terminal and time.monotonic() - self._spoke > _LINE_SECONDS:
            self._spoke = time.monotonic()
            rate = self._done / self.seconds
            left = (self.total - self._done) / rate
            self._console.print(f"{self._done}/{self.total} photos, {rate:.1f} a second, about {left:.0f} s left")
