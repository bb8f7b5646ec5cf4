"""Commands that other programs of the project carry out: `bin-it-right train …` is `python -m training train …`."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import typer


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A command, the group it stands in, and what `python -m` gets before the words of the command line."""

    name: str
    group: str
    help: str
    module: tuple[str, ...]


COMMANDS = (
    Forwarded("serve", "Serving", "Start Triton and the gateway; Ctrl-C stops both.", ("scripts.cli.serve",)),
    Forwarded("export", "Serving", "Bring the model repository up to date with the weights.", ("scripts.cli.export",)),
    Forwarded("bench", "Serving", "Measure the service beside its peers: `make bench`.", ("scripts.bench.cpu",)),
    Forwarded("data", "Training", "Fetch the data set and lay out its lists.", ("data",)),
    Forwarded("eda", "Training", "Look at a data set before training on it.", ("training", "eda")),
    Forwarded("train", "Training", "Train a network by a recipe.", ("training", "train")),
    Forwarded("evaluate", "Training", "Calibrate and measure weights, and write their card.", ("training", "evaluate")),
    Forwarded("promote", "Training", "Ship weights, if they pass the gate.", ("training", "promote")),
    Forwarded("predict", "Training", "Classify without a server.", ("training", "predict")),
)


def add_forwarded(app: typer.Typer) -> None:
    """Adds them all; their options, `--help` too, are the other program's."""
    for command in COMMANDS:
        app.command(
            command.name,
            help=command.help,
            rich_help_panel=command.group,
            add_help_option=False,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        )(_forward(command))


def _forward(command: Forwarded) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        # In the place of this process: signals, exit status and memory are the other program's.
        os.execv(sys.executable, [sys.executable, "-m", *command.module, *context.args])  # noqa: S606 - no shell

    return run
