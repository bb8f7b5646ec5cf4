"""Shows the steps of a start as they happen: a spinner on a terminal, and a line with the time that each took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

_CONSOLE = Console(highlight=False, soft_wrap=True)


class Step:
    """One step; ``outcome`` may be set while it runs and is printed when it is done."""

    def __init__(self) -> None:
        self.outcome = ""


@contextmanager
def step(name: str, doing: str) -> Iterator[Step]:
    """Show ``doing`` while the body runs, then a line with the outcome and the seconds it took."""
    current, began = Step(), time.monotonic()
    with _CONSOLE.status(f"{name}: {doing} …"):
        yield current
    if current.outcome:
        _CONSOLE.print(f"  {name:<8} {time.monotonic() - began:5.1f} s  {current.outcome}", markup=False)


def say(text: str) -> None:
    """Print a text as it is."""
    _CONSOLE.print(text, markup=False)
