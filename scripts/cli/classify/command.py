"""`bin-it-right classify`: the options, and what they may not be."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.cli.classify.output import Destination, Format, format_of
from scripts.cli.exit_codes import FAILED, INTERRUPTED
from scripts.cli.gateway_options import SERVER, KeyOption, PatienceOption, ServerOption, sentences


def classify(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|FOLDER|GLOB|-…", help="The photos; - is one on standard input."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="The model type that answers; repeatable. The best by its card by default."),
    ] = None,
    server: ServerOption = SERVER,
    api_key: KeyOption = None,
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
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Confidence under which an answer is not sure; that of the card by default."),
    ] = None,
    sort_into: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Copy each photo to FOLDER/CLASS, or FOLDER/not_sure; never over another."),
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="With --sort-into: hard links instead of copies.")] = False,
    watch: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Classify photos that arrive in FOLDER, once they are whole, until Ctrl-C."
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Photos at the server at once.")] = 16,
    patience: PatienceOption = 30.0,
) -> None:
    """Classify photos: which bin does each of them belong to?

    A folder is searched for photos, with the folders below it. The answers come in the order of the photos.

    \b
      bin-it-right classify photo.jpg
      bin-it-right classify photos/ --output answers.csv
      bin-it-right classify 'photos/**/*.webp' --model raw --model pretrained
      bin-it-right classify photos/ --sort-into sorted --threshold 0.8
      bin-it-right classify --watch incoming --output answers.csv --resume
      curl -s https://example.org/photo.jpg | bin-it-right classify -

    \b
    Exit status:
        0  every photo is answered
        1  some are not, and are listed; or one could not be sorted
        2  wrong usage
        3  the server cannot be asked
      130  interrupted: go on with --resume
    """
    from gateway.client import AsyncClient
    from scripts.cli.classify.run import Interrupted, Job, run
    from scripts.cli.classify.sorting import Sorter, SortError

    inputs = inputs or []
    to_terminal = output is None and sys.stdout.isatty()
    # Rows and bar share the one console of a terminal, so that the bar stays below the rows.
    speaking = Console(stderr=not to_terminal, highlight=False)
    chosen = format_of(output, output_format, to_terminal=to_terminal)
    destination = Destination(output, chosen, resume, speaking if to_terminal else None)
    _check_output(destination)
    _check_inputs(inputs, watch, sort_into, link=link)
    sorter = None if sort_into is None else Sorter(sort_into, link=link)
    watched = None if watch is None else str(watch)
    job = Job(inputs, watched, model or [], threshold, sorter, sort_into, concurrency=concurrency, patience=patience)
    with sentences(speaking):
        try:
            summary = run(job, AsyncClient(server, api_key=api_key, patience=patience), destination, speaking)
        except Interrupted as exc:
            goes_on = "--resume goes on" if output else "with --output FILE, --resume would go on"
            speaking.print(f"{exc.left} left; {goes_on}", soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from exc
        except SortError as exc:
            speaking.print(f"error: {exc}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(FAILED) from exc
        except OSError as exc:
            if output is None:
                raise
            raise destination.not_writable(exc) from exc
    if summary.failed:
        raise typer.Exit(FAILED)


def _check_output(destination: Destination) -> None:
    """Refuse, before anything is asked, what cannot work."""
    if destination.resume and destination.path is None:
        raise typer.BadParameter("it needs --output, the file of the earlier run", param_hint="--resume")
    if destination.resume and destination.format is Format.table:
        raise typer.BadParameter("a table cannot be resumed; jsonl and csv can", param_hint="--format")
    if destination.path is not None and not destination.path.parent.is_dir():
        raise destination.not_writable(FileNotFoundError())


def _check_inputs(inputs: Sequence[str], watch: Path | None, sort_into: Path | None, *, link: bool) -> None:
    """Refuse, before anything is asked, photos and folders that are not there."""
    from scripts.cli.classify import photos

    if not inputs and watch is None:
        raise typer.BadParameter("name photos or their folder, or a folder to --watch", param_hint="FILE|FOLDER|GLOB|-")
    try:
        photos.check(inputs)
    except photos.PhotoError as exc:
        raise typer.BadParameter(str(exc)) from exc
    if watch is not None and not watch.is_dir():
        raise typer.BadParameter(f"there is no folder {watch}", param_hint="--watch")
    if link and sort_into is None:
        raise typer.BadParameter("it needs --sort-into", param_hint="--link")
    if sort_into is not None and photos.STANDARD_INPUT in inputs:
        raise typer.BadParameter("a photo on standard input has no name to be sorted by", param_hint="--sort-into")
    if sort_into is not None and sort_into.exists() and not sort_into.is_dir():
        raise typer.BadParameter(f"{sort_into} is no folder", param_hint="--sort-into")
