"""Shows the steps of a start as they happen: a spinner on a terminal, and a line with the time that each took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
        say(f"  {name:<8} {time.monotonic() - began:5.1f} s  {current.outcome}")


def say(text: str) -> None:
    """Print a text as it is; on a full disk, or where nobody reads, go on without it."""
    with suppress(OSError):
        _CONSOLE.print(text, markup=False)
