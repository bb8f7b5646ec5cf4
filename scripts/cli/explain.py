"""`bin-it-right explain`: where the network looked, as a PNG."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scripts.cli.exit_codes import FAILED
from scripts.cli.gateway_options import SERVER, KeyOption, PatienceOption, ServerOption, choose, sentences

_STANDARD_OUTPUT = "-"


class Layer(StrEnum):
    """What the picture shows."""

    photo = "photo"
    heat = "heat"


def explain(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo; - is one on standard input.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model type that answers; the best by its card by default.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--class", help="The class to look for; the predicted one by default.")
    ] = None,
    layer: Annotated[Layer, typer.Option(help="The map over the photo, or the map alone.")] = Layer.photo,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="The PNG, - for standard output; PHOTO-MODEL.png by default."),
    ] = None,
    server: ServerOption = SERVER,
    api_key: KeyOption = None,
    patience: PatienceOption = 30.0,
) -> None:
    """Draw where a network found signs of a class.

    \b
    Exit status: 0 the picture is written; 1 the photo is refused; 2 wrong usage; 3 the server cannot be asked.
    """
    from gateway.client import Client, Refused
    from scripts.cli.classify import photos

    speaking = Console(stderr=True, highlight=False)
    try:
        photos.check([photo])
        content = photos.read(photo)
    except photos.PhotoError as exc:
        raise typer.BadParameter(str(exc)) from exc
    with sentences(speaking), Client(server, api_key=api_key, patience=patience) as client:
        name = choose(client.models(), [model] if model else [])[0].name
        target = output or f"{'photo' if photo == photos.STANDARD_INPUT else Path(photo).stem}-{name}.png"
        if output is None and Path(target).exists():
            raise typer.BadParameter(f"{target} is there already; name another file", param_hint="--output")
        try:
            explanation = client.explain(name, content, label=label, layer=layer.value)
        except Refused as exc:
            speaking.print(f"error: {exc}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(FAILED) from exc
    if target == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(explanation.picture)
        return
    try:
        Path(target).write_bytes(explanation.picture)
    except OSError as exc:
        raise typer.BadParameter(f"{target} cannot be written: {exc.strerror}", param_hint="--output") from exc
    speaking.print(f"{target}: where {name} found signs of {explanation.explained_class}", markup=False, soft_wrap=True)
