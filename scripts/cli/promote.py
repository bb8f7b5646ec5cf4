"""`bin-it-right promote`: lets evaluated weights replace the released ones, unless they are worse."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.evaluate import OUTPUT
from scripts.cli.options import ModelType, with_sentences


@with_sentences
def promote(
    model: Annotated[ModelType, typer.Argument(help="Which network.")],
    candidate: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help=f"Of the evaluation; {OUTPUT}/MODEL by default.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of the released weights; training/weights by default.")
    ] = None,
) -> None:
    """Release evaluated weights, unless they are worse than the released ones."""
    from training.evaluate.card import WEIGHTS
    from training.evaluate.gate import at_chance, promote

    card = promote(model.value, candidate or OUTPUT / model.value, weights or WEIGHTS)
    if at_chance(card):
        print(f"warning: {model.value} is no better than chance on the validation split: train it for longer")
    print(f"{card.model_type} is released as {card.weights_sha256}; `bin-it-right export` brings it to Triton")
