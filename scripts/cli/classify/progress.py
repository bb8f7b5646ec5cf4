"""How far a run is: a bar with rate and time left on a terminal, a plain line now and then in a log."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_LINE_SECONDS = 10.0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f} photos/s", style="progress.data.speed")


class RunProgress:
    """Counts photos; `total` is how many there are."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._began = self._spoke = time.monotonic()
        columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal or total < 2)
        self._task = self._bar.add_task("photos", total=total)

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
        """Takes the bar off the terminal."""
        self._bar.stop()

    def advance(self) -> None:
        """Counts one photo."""
        self._done += 1
        self._bar.advance(self._task)
        if not self._console.is_terminal and time.monotonic() - self._spoke > _LINE_SECONDS:
            self._spoke = time.monotonic()
            rate = self._done / self.seconds
            left = (self._total - self._done) / rate
            self._console.print(f"{self._done}/{self._total} photos, {rate:.1f} a second, about {left:.0f} s left")
