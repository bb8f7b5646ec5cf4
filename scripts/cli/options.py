"""What several commands share: choices, and errors as a sentence."""

import functools
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import ParamSpec

import typer

from scripts.cli.exit_codes import FAILED

P = ParamSpec("P")
_RECIPES = Path(__file__).resolve().parents[2] / "training" / "train" / "recipes"


class ModelType(StrEnum):
    """The model types, as in the URL."""

    raw = "raw"
    pretrained = "pretrained"


class Provider(StrEnum):
    """The frameworks that train."""

    pytorch = "pytorch"
    tensorflow = "tensorflow"


def with_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Let a wrong input end a command with one sentence on standard error and exit status 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (ValueError, FileNotFoundError) as exc:
            print(f"error: {exc}", file=sys.stderr)
            raise typer.Exit(FAILED) from exc

    return run


def recipe_names(incomplete: str) -> Iterator[str]:
    """Yield the recipes that come with the project, for the shell's completion."""
    return (path.stem for path in sorted(_RECIPES.glob("*.toml")) if path.stem.startswith(incomplete))


def pairs(words: list[str]) -> dict[str, str]:
    """Return words of the form NAME=VALUE as a dict.

    Raises:
        ValueError: a word is of another form.
    """
    found = dict(word.partition("=")[::2] for word in words)
    if not all(found.values()):
        raise ValueError(f"expected NAME=VALUE, got {', '.join(words)}")
    return found
