"""`bin-it-right`: every command of the project. Each imports what it needs only when it runs."""

import typer

from scripts.cli.classify.command import classify
from scripts.cli.doctor.command import doctor
from scripts.cli.forward import add_forwarded

app = typer.Typer(
    name="bin-it-right",
    help="Which bin? Classify photos of waste, serve the models, train them on your own photos.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command(rich_help_panel="Asking")(classify)
app.command(rich_help_panel="Serving")(doctor)
add_forwarded(app)


def main() -> None:
    """The entry point that pyproject.toml names."""
    app(prog_name="bin-it-right")


if __name__ == "__main__":
    main()
