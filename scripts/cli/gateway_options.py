"""What the commands that ask a gateway share: their options, the choice of a model, and errors as sentences."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from scripts.cli.exit_codes import NO_SERVER

if TYPE_CHECKING:
    from gateway.client import Model

SERVER = "http://localhost:8080"
ServerOption = Annotated[str, typer.Option("--server", envvar="BIN_IT_RIGHT_SERVER", help="Where the gateway is.")]
KeyOption = Annotated[
    str | None, typer.Option("--api-key", envvar="BIN_IT_RIGHT_API_KEY", help="Needed where the server has keys.")
]
PatienceOption = Annotated[
    float, typer.Option("--patience", min=0, help="Seconds that a photo waits for a server that is busy or away.")
]


@contextmanager
def sentences(console: Console) -> Iterator[None]:
    """Let a server that cannot be asked end the command with a sentence on ``console`` and its own exit status."""
    from gateway.client import ClientError, Unreachable

    try:
        yield
    except ClientError as exc:
        remedy = (
            " Start one with `bin-it-right serve`, or name it with --server." if isinstance(exc, Unreachable) else ""
        )
        console.print(f"error: {exc}{remedy}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(NO_SERVER) from exc


def choose(models: "Sequence[Model]", names: Sequence[str]) -> "list[Model]":
    """Return the models of these names, each once; without names the one that is best by its card's test split.

    Raises:
        BadParameter: the server has no model of a name.
    """
    if not names:
        return [max(models, key=lambda model: model.accuracy or 0.0)]
    known = {model.name: model for model in models}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"there is no model {name!r}; there are {', '.join(known)}", param_hint="--model")
    return [known[name] for name in dict.fromkeys(names)]
