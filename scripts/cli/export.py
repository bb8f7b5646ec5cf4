"""`bin-it-right export`: brings a model repository up to date with class file and weights."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import with_sentences


@with_sentences
def export(
    model_repository: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The project's own by default.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Your own; only models that have a card there are exported.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Compute in FP16: for NVIDIA's own backends on a GPU.")] = False,
) -> None:
    """Bring the model repository up to date with class file and weights."""
    from training.dataset.classes import MODEL_REPOSITORY
    from training.evaluate.card import WEIGHTS
    from training.export.fingerprint import Precision, outdated
    from training.export.repository import networks_of, write_repository
    from training.models.model_types import NETWORK_MODELS

    folder = (model_repository or MODEL_REPOSITORY).resolve()
    own = (weights or WEIGHTS).resolve()
    networks = networks_of(own) if weights else NETWORK_MODELS
    written = write_repository(folder, own, networks)
    precision: Precision = "half" if half else "single"
    if outdated(folder, own, networks, precision=precision):
        # Heavy: torch alone takes seconds to import, and most starts find everything in place.
        from training.export.torchscript import ensure_exported

        written += ensure_exported(folder, own, networks, precision=precision)
    for path in written:
        print(f"wrote {path}")
