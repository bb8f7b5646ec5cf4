"""Where answers are written: a file or standard output, and what of an earlier run's answers stays."""

import sys
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import typer
from rich.console import Console

from scripts.cli.classify.resume import keep_answers
from scripts.cli.classify.writers import CsvWriter, JsonLinesWriter, TableWriter, Writer


class Format(StrEnum):
    """How answers are written."""

    auto = "auto"
    table = "table"
    jsonl = "jsonl"
    csv = "csv"


@dataclass(frozen=True, slots=True)
class Output:
    """The writer of the answers, and the files that have theirs from an earlier run."""

    writer: Writer
    done: Set[str]


@dataclass(frozen=True, slots=True)
class Destination:
    """What the options say of the output.

    Attributes:
        path: the file; None for standard output.
        format: any but auto.
        resume: whether answers of an earlier run stay.
        terminal: shows a table, where standard output is one.
    """

    path: Path | None
    format: Format
    resume: bool
    terminal: Console | None

    @contextmanager
    def opened(self, models: Sequence[str], classes: Sequence[str]) -> Iterator[Output]:
        """Open the output for answers of these models, which can be of these classes.

        Raises:
            BadParameter: the file cannot be written, or is not that of an earlier run.
        """
        done: Set[str] = frozenset()
        try:
            if self.resume and self.path is not None:
                done = keep_answers(self.path, self.format, models, classes)
            mode: Literal["a", "w"] = "a" if self.resume else "w"
            opened = None if self.path is None else self.path.open(mode, encoding="utf-8", newline="")
        except ValueError as exc:
            raise typer.BadParameter(str(exc), param_hint="--resume") from exc
        except OSError as exc:
            raise self.not_writable(exc) from exc
        with nullcontext(sys.stdout) if opened is None else opened as file:
            writer: Writer
            if self.format is Format.csv:
                writer = CsvWriter(file, classes, header=opened is None or not file.tell())
            elif self.format is Format.jsonl:
                writer = JsonLinesWriter(file)
            else:
                writer = TableWriter(self.terminal or Console(file=file, highlight=False), models, classes)
            yield Output(writer, done)

    def not_writable(self, error: OSError) -> typer.BadParameter:
        """Say in a sentence why the file cannot be written."""
        if isinstance(error, FileNotFoundError):
            return typer.BadParameter(f"there is no folder for {self.path}; make it first", param_hint="--output")
        return typer.BadParameter(f"{self.path} cannot be written: {error.strerror}", param_hint="--output")


def format_of(path: Path | None, asked: Format, *, to_terminal: bool) -> Format:
    """Return the format that the file's suffix names; without a suffix the one that was asked for.

    Raises:
        BadParameter: the suffix is unknown, or contradicts the format.
    """
    if path is None:
        by_itself = Format.table if to_terminal else Format.jsonl
        return by_itself if asked is Format.auto else asked
    suffix = path.suffix.lower().removeprefix(".")
    if not suffix:
        return Format.jsonl if asked is Format.auto else asked
    if suffix not in (Format.csv, Format.jsonl):
        raise typer.BadParameter(f"{path} is neither .csv nor .jsonl", param_hint="--output")
    if asked not in (Format.auto, suffix):
        raise typer.BadParameter(f"{path} is for {suffix}, not for {asked.value}", param_hint="--format")
    return Format(suffix)
