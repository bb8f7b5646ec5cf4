"""``python -m training promote MODEL``: let evaluated weights replace the shipped ones, if they are no worse."""

import argparse
from pathlib import Path

from training.commands.evaluate import OUTPUT


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command line."""
    parser = subparsers.add_parser("promote", help="ship evaluated weights, if no worse", description=__doc__)
    parser.add_argument("model", choices=("raw", "pretrained"))
    parser.add_argument(
        "--candidate", type=Path, metavar="FOLDER", help=f"of the evaluation; {OUTPUT}/MODEL by default"
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="of the shipped weights; training/weights by default"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Promote, or say why not."""
    from training.evaluate.card import WEIGHTS
    from training.evaluate.gate import promote

    candidate = arguments.candidate or OUTPUT / arguments.model
    card = promote(arguments.model, candidate, arguments.weights or WEIGHTS)
    print(f"{card.model_type} ships {card.weights_sha256}; `python -m scripts.cli.export` brings it to Triton")
