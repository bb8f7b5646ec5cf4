"""Writes outcomes: JSON Lines and CSV for programs, a table for people."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.text import Text

from scripts.cli.classify.outcome import Answered, Failed, Outcome


class Writer(Protocol):
    """Takes the outcomes one by one, and keeps none back: an interrupted run has what it was answered."""

    def write(self, outcome: Outcome) -> None:
        """Writes one line."""
        ...


@contextmanager
def open_output(path: Path | None, append: bool) -> Iterator[TextIO]:
    """The file to write to; standard output where there is none."""
    if path is None:
        yield sys.stdout
    else:
        with path.open("a" if append else "w", encoding="utf-8", newline="") as file:
            yield file


class JsonLinesWriter:
    """One JSON object a line; a failure has `error` in the place of the answer."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, outcome: Outcome) -> None:
        """See `Writer`."""
        record: dict[str, object] = {"file": outcome.file}
        if isinstance(outcome, Answered):
            record |= {"pred_class": outcome.pred_class, "not_sure": outcome.not_sure, "classes": outcome.classes}
        else:
            record["error"] = {"status": outcome.status, "title": outcome.title, "detail": outcome.detail}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()


class CsvWriter:
    """A column for each class; a failure has its reason in the last column and no class."""

    def __init__(self, file: TextIO, classes: Sequence[str], *, header: bool) -> None:
        self._file = file
        self._classes = classes
        self._rows = csv.writer(file, lineterminator="\n")
        if header:
            self._rows.writerow(["file", "pred_class", "not_sure", *classes, "error"])

    def write(self, outcome: Outcome) -> None:
        """See `Writer`."""
        if isinstance(outcome, Answered):
            probabilities = [f"{outcome.classes[name]:.6g}" for name in self._classes]
            row = [outcome.file, outcome.pred_class, str(outcome.not_sure).lower(), *probabilities, ""]
        else:
            row = [outcome.file, "", "", *[""] * len(self._classes), f"{outcome.title}: {outcome.detail}"]
        self._rows.writerow(row)
        self._file.flush()


class TableWriter:
    """Aligned columns, in colour on a terminal."""

    def __init__(self, console: Console, classes: Sequence[str]) -> None:
        self._console = console
        self._width = max(map(len, (*classes, "no answer"))) + 1

    def write(self, outcome: Outcome) -> None:
        """See `Writer`."""
        if isinstance(outcome, Failed):
            line = Text.assemble(
                ("no answer".ljust(self._width + 8), "red"),
                f"{outcome.file}  ",
                (outcome.title, "red"),  # the summary has the details
            )
        else:
            colour = "yellow" if outcome.not_sure else "green"
            line = Text.assemble(
                (outcome.pred_class.ljust(self._width), colour),
                f"{outcome.confidence:6.1%}  {outcome.file}",
                ("  not sure" if outcome.not_sure else "", colour),
            )
        self._console.print(line, soft_wrap=True)
