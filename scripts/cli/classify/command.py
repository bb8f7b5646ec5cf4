"""`bin-it-right classify`: the options, and what they may not be."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.cli.classify import photos
from scripts.cli.classify.resume import keep_answers
from scripts.cli.classify.run import Job, run
from scripts.cli.classify.server import Server, ServerError, UnknownModelError
from scripts.cli.classify.writers import CsvWriter, JsonLinesWriter, TableWriter, Writer, open_output
from scripts.cli.exit_codes import FAILED, NO_SERVER


class Format(StrEnum):
    """How answers are written."""

    auto = "auto"
    table = "table"
    jsonl = "jsonl"
    csv = "csv"


def classify(
    inputs: Annotated[
        list[str], typer.Argument(metavar="FILE|FOLDER|GLOB|-…", help="The photos; - is one on standard input.")
    ],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model type that answers; the best by its card by default.")
    ] = None,
    server: Annotated[
        str, typer.Option(envvar="BIN_IT_RIGHT_SERVER", help="Where the gateway is.")
    ] = "http://localhost:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="BIN_IT_RIGHT_API_KEY", help="Needed where the server has keys.")
    ] = None,
    output_format: Annotated[
        Format,
        typer.Option("--format", "-f", help="auto goes by --output; without it a table on a terminal, else jsonl."),
    ] = Format.auto,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answers to this file, .csv or .jsonl.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the answers in --output and ask for the rest.")
    ] = False,
    in_flight: Annotated[int, typer.Option(min=1, max=256, help="Photos at the server at once.")] = 16,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds that a photo waits for a server that is busy or away.")
    ] = 30.0,
) -> None:
    """Classify photos: which bin does each of them belong to?

    A folder is searched for photos, with the folders below it. The answers come in the order of the photos.

    \b
      bin-it-right classify photo.jpg
      bin-it-right classify photos/ --output answers.csv
      bin-it-right classify 'photos/**/*.webp' --model raw | jq -r .pred_class
      curl -s https://example.org/photo.jpg | bin-it-right classify -

    \b
    Exit status:
        0  every photo is answered
        1  some are not, and are listed
        2  wrong usage
        3  the server can not be asked
      130  interrupted: go on with --resume
    """
    if resume and output is None:
        raise typer.BadParameter("it needs --output, the file of the earlier run", param_hint="--resume")
    to_terminal = output is None and sys.stdout.isatty()
    if output is not None:
        output_format = _format_of(output, output_format)
    elif output_format is Format.auto:
        output_format = Format.table if to_terminal else Format.jsonl
    if resume and output_format is Format.table:
        raise typer.BadParameter("a table can not be resumed; jsonl and csv can", param_hint="--format")
    try:
        photos.check(inputs)
        done = keep_answers(output, output_format) if resume and output else set()
    except (photos.PhotoError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        raise _not_writable(output, error) from error
    # Rows and bar share the one console of a terminal, so that the bar stays below the rows.
    speaking = Console(stderr=not to_terminal, highlight=False)
    job = Job(inputs, model, done, in_flight=in_flight, patience=patience)
    try:
        with Server(server, api_key=api_key, connections=in_flight) as gateway, open_output(output, resume) as file:

            def make_writer(classes: tuple[str, ...]) -> Writer:
                if output_format is Format.csv:
                    return CsvWriter(file, classes, header=not (resume and file.tell()))
                if output_format is Format.jsonl:
                    return JsonLinesWriter(file)
                return TableWriter(speaking if to_terminal else Console(file=file, highlight=False), classes)

            summary = run(job, gateway, make_writer, speaking)
    except UnknownModelError as error:
        raise typer.BadParameter(str(error), param_hint="--model") from error
    except OSError as error:
        if output is None:
            raise
        raise _not_writable(output, error) from error
    except ServerError as error:
        speaking.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(NO_SERVER) from error
    if summary.failed:
        raise typer.Exit(FAILED)


def _format_of(output: Path, asked: Format) -> Format:
    """Return the format that the file's suffix names; without a suffix the one that was asked for.

    Raises:
        BadParameter: the suffix is unknown, or contradicts the format.
    """
    suffix = output.suffix.lower().removeprefix(".")
    if not suffix:
        return Format.jsonl if asked is Format.auto else asked
    if suffix not in (Format.csv, Format.jsonl):
        raise typer.BadParameter(f"{output} is neither .csv nor .jsonl", param_hint="--output")
    if asked not in (Format.auto, suffix):
        raise typer.BadParameter(f"{output} is for {suffix}, not for {asked.value}", param_hint="--format")
    return Format(suffix)


def _not_writable(output: Path | None, error: OSError) -> typer.BadParameter:
    if isinstance(error, FileNotFoundError):
        return typer.BadParameter(f"there is no folder for {output}; make it first", param_hint="--output")
    return typer.BadParameter(f"{output} cannot be written: {error.strerror}", param_hint="--output")
