"""`bin-it-right models`: which models a gateway has, and how good they are."""

import dataclasses
import json
import sys
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from scripts.cli.exit_codes import FAILED
from scripts.cli.gateway_options import SERVER, KeyOption, ServerOption, sentences

if TYPE_CHECKING:
    from gateway.client import Model


def models(server: ServerOption = SERVER, api_key: KeyOption = None) -> None:
    """List the models of a gateway: a table on a terminal, JSON Lines elsewhere.

    \b
    Exit status: 0 every model is ready; 1 one is not; 3 the server cannot be asked.
    """
    from gateway.client import Client

    with sentences(Console(stderr=True, highlight=False)), Client(server, api_key=api_key) as client:
        found = client.models()
    if sys.stdout.isatty():
        Console(highlight=False).print(_table(found))
    else:
        for model in found:
            print(json.dumps(dataclasses.asdict(model), ensure_ascii=False))
    if not all(model.ready for model in found):
        raise typer.Exit(FAILED)


def _table(found: "list[Model]") -> Table:
    table = Table("model", "state", "version", "classes", box=None, pad_edge=False)
    for name in ("accuracy, test split", "held-out places", "not sure under"):
        table.add_column(name, justify="right")
    for model in found:
        numbers = model.accuracy, model.held_out_accuracy, model.confidence_threshold
        cells = ("unknown" if number is None else f"{number:.3f}" for number in numbers)
        state = "ready" if model.ready else "not ready"
        table.add_row(model.name, state, model.version or "unknown", ", ".join(model.classes), *cells)
    return table
