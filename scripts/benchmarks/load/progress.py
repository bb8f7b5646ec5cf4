"""How far a long run is: a bar on a terminal, a plain line now and then in a log."""

import sys
import time
from datetime import UTC, datetime
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_LINE_EVERY_SECONDS = 10.0


def say(sentence: str) -> None:
    """Print a line with the time to standard error."""
    print(f"{datetime.now(UTC):%H:%M:%S} {sentence}", file=sys.stderr, flush=True)


class Progress:
    """Counts steps up to a total; writes to standard error."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("requests", total=self._total)
            self._bar.start()
        return self

    def advance(self) -> None:
        """Count one step more."""
        self._done += 1
        if self._bar is not None:
            self._bar.advance(self._task)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
            print(f"{self._done} of {self._total}", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
