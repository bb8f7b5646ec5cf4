"""Writes outcomes: JSON Lines and CSV for programs, a table for people."""

import csv
import json
from collections.abc import Sequence
from typing import Protocol, TextIO

from rich.console import Console
from rich.text import Text

from scripts.cli.classify.outcome import Answered, Failed, Outcome
from scripts.cli.classify.photos import shown


class Writer(Protocol):
    """Takes the outcomes one by one, and keeps none back: an interrupted run has what it was answered."""

    def write(self, outcome: Outcome) -> None:
        """Write one line."""
        ...


class JsonLinesWriter:
    """One JSON object a line; a failure has `error` in the place of the answer."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, outcome: Outcome) -> None:
        """See `Writer`."""
        record: dict[str, object] = {"file": shown(outcome.file), "model": outcome.model}
        if isinstance(outcome, Answered):
            record |= {"pred_class": outcome.pred_class, "not_sure": outcome.not_sure, "classes": outcome.classes}
        else:
            record["error"] = {"status": outcome.status, "title": outcome.title, "detail": outcome.detail}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()


def csv_columns(classes: Sequence[str]) -> list[str]:
    """Return the columns of a CSV file."""
    return ["file", "model", "pred_class", "not_sure", *classes, "error"]


class CsvWriter:
    """A column for each class; a failure has its reason in the last column and no class."""

    def __init__(self, file: TextIO, classes: Sequence[str], *, header: bool) -> None:
        self._file = file
        self._classes = classes
        self._rows = csv.writer(file, lineterminator="\n")
        if header:
            self._rows.writerow(csv_columns(classes))

    def write(self, outcome: Outcome) -> None:
        """See `Writer`."""
        if isinstance(outcome, Answered):
            # A model of other classes than another one's leaves those empty.
            known = outcome.classes
            probabilities = [f"{known[name]:.6g}" if name in known else "" for name in self._classes]
            row = [
                shown(outcome.file),
                outcome.model,
                outcome.pred_class,
                str(outcome.not_sure).lower(),
                *probabilities,
                "",
            ]
        else:
            row = [
                shown(outcome.file),
                outcome.model,
                "",
                "",
                *[""] * len(self._classes),
                f"{outcome.title}: {outcome.detail}",
            ]
        self._rows.writerow(row)
        self._file.flush()


class TableWriter:
    """Aligned columns, in colour on a terminal."""

    def __init__(self, console: Console, models: Sequence[str], classes: Sequence[str]) -> None:
        self._console = console
        self._model_width = max(map(len, models)) + 2
        self._width = max(map(len, (*classes, "no answer"))) + 1

    def write(self, outcome: Outcome) -> None:
        """See `Writer`."""
        if isinstance(outcome, Failed):
            line = Text.assemble(
                ("no answer".ljust(self._width + 8), "red"),
                f"{outcome.model.ljust(self._model_width)}{shown(outcome.file)}  ",
                (outcome.title, "red"),  # the summary has the details
            )
        else:
            colour = "yellow" if outcome.not_sure else "green"
            line = Text.assemble(
                (outcome.pred_class.ljust(self._width), colour),
                f"{outcome.confidence:6.1%}  {outcome.model.ljust(self._model_width)}{shown(outcome.file)}",
                ("  not sure" if outcome.not_sure else "", colour),
            )
        self._console.print(line, soft_wrap=True)
