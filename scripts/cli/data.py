"""`bin-it-right data`: fetches the data sets and lays them out; shares one's own photos out among splits."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import pairs, with_sentences

app = typer.Typer(invoke_without_command=True)


@app.callback()
@with_sentences
def data(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Option(help="TrashNet as a folder or zip archive, instead of a download.")
    ] = None,
    extras: Annotated[str, typer.Option(metavar="web,general", help="Additional sets, separated by commas.")] = "",
    extra_source: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PATH", help="An extra set's folder or zip archive; repeatable.")
    ] = None,
    feedback: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The gateway's feedback folder, to be made a training set.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="The folder to lay everything under; data by default.")] = None,
) -> None:
    """Fetch TrashNet, verify it and lay it out for training; on request the additional sets too."""
    if context.invoked_subcommand is not None:
        return
    from data.layout import DATA, Layout
    from data.run import lay_out

    names = [name.strip() for name in extras.split(",") if name.strip()]
    on_disk = {name: Path(path) for name, path in pairs(extra_source or []).items()}
    lay_out(Layout((root or DATA).resolve()), source, names, on_disk, feedback)


@app.command()
@with_sentences
def split(
    folder: Annotated[Path, typer.Argument(help="A folder with one subfolder for each class.")],
) -> None:
    """Share the photos of your own folder out among a train, a val and a test split."""
    from data.split import write_splits

    write_splits(folder)
