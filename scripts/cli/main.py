"""`bin-it-right`: every command of the project. Each imports what it needs only when it runs."""

from importlib.metadata import version
from typing import Annotated

import typer

from scripts.cli import data, dev
from scripts.cli.classify.command import classify
from scripts.cli.doctor.command import doctor
from scripts.cli.eda import eda
from scripts.cli.evaluate import evaluate
from scripts.cli.explain import explain
from scripts.cli.export import export
from scripts.cli.models import models
from scripts.cli.predict import predict
from scripts.cli.promote import promote
from scripts.cli.serve import serve_command
from scripts.cli.train import train

app = typer.Typer(
    name="bin-it-right",
    help="Which bin? Classify photos of waste, serve the models, train them on your own photos.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"bin-it-right {version('bin-it-right')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Which bin? Classify photos of waste, serve the models, train them on your own photos."""


app.command(rich_help_panel="Classifying")(classify)
app.command(rich_help_panel="Classifying")(explain)
app.command(rich_help_panel="Classifying")(models)
app.command(rich_help_panel="Classifying")(predict)
app.command("serve", rich_help_panel="Serving")(serve_command)
app.command(rich_help_panel="Serving")(export)
app.command(rich_help_panel="Serving")(doctor)
app.add_typer(data.app, name="data", rich_help_panel="Training")
app.command(rich_help_panel="Training")(eda)
app.command(rich_help_panel="Training")(train)
app.command(rich_help_panel="Training")(evaluate)
app.command(rich_help_panel="Training")(promote)
app.add_typer(dev.app, name="dev", hidden=True)


def main() -> None:
    """Run the command line; pyproject.toml names this entry point."""
    app(prog_name="bin-it-right")


if __name__ == "__main__":
    main()
