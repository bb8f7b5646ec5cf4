"""`bin-it-right` in the process of the test."""

from scripts.cli.main import app


def bin_it_right(*words: str) -> int:
    """Run a command and return its exit status."""
    try:
        app(list(words), prog_name="bin-it-right")
    except SystemExit as exc:
        return int(exc.code or 0)
    return 0
