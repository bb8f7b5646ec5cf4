"""``python -m training evaluate RUN_OR_WEIGHTS DATASET``: calibrate and measure weights, and write their card."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path("build", "evaluation")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command line."""
    parser = subparsers.add_parser("evaluate", help="calibrate and measure weights", description=__doc__)
    parser.add_argument("weights", type=Path, help="the folder of a run, or weights with their card beside them")
    parser.add_argument("dataset", type=Path, help="a folder with val and test lists")
    parser.add_argument(
        "--extra-list", metavar="NAME=PARQUET", action="append", default=[], help="measure on this too; repeatable"
    )
    parser.add_argument(
        "--extra",
        type=Path,
        metavar="PARQUET",
        action="append",
        default=[],
        help="a further training set of the run, to look for duplicates in; repeatable",
    )
    parser.add_argument("--other-things", type=Path, metavar="PARQUET", help="photos of none of the classes")
    parser.add_argument(
        "--places", type=Path, metavar="FOLDER", help="photos from other places: a Parquet file or a folder each"
    )
    parser.add_argument(
        "--held-out", metavar="PLACE", action="append", default=[], help="that nothing was chosen by; repeatable"
    )
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument(
        "--threshold-places", type=Path, metavar="FOLDER", help="places, not trained on, to choose the threshold by"
    )
    threshold.add_argument(
        "--threshold-predictions", type=Path, metavar="CSV", help="the same by predictions: confidence, correct, place"
    )
    parser.add_argument(
        "--right-when-sure", type=float, default=0.8, help="share that the threshold has to give (0.8 by default)"
    )
    parser.add_argument(
        "--describe", metavar="KEY=TEXT", action="append", default=[], help="a fact of the training, for the card"
    )
    parser.add_argument(
        "--model-repository", type=Path, metavar="FOLDER", help="whose class file and preprocessing they were made for"
    )
    parser.add_argument("--output", type=Path, help=f"{OUTPUT}/MODEL by default")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate, and print the report."""
    from training.dataset.classes import MODEL_REPOSITORY
    from training.evaluate.provenance import hardware, portable_command
    from training.evaluate.run import Sources, evaluate
    from training.evaluate.summary import describe_card

    model_type, weights, record = _origin(arguments.weights)
    record |= _pairs(arguments.describe)
    command = "python -m training " + shlex.join(sys.argv[1:])
    record["evaluation"] = {"command": portable_command(command), "hardware": hardware()}
    output = arguments.output or OUTPUT / model_type
    lists = {name: Path(path) for name, path in _pairs(arguments.extra_list).items()}
    sources = Sources(
        arguments.dataset,
        lists,
        arguments.other_things,
        tuple(arguments.extra),
        places=arguments.places,
        held_out=tuple(arguments.held_out),
        threshold_places=arguments.threshold_places,
        threshold_predictions=arguments.threshold_predictions,
        right_when_sure=arguments.right_when_sure,
    )
    card, written = evaluate(
        model_type,
        weights,
        sources,
        output,
        training=record,
        model_repository=arguments.model_repository or MODEL_REPOSITORY,
    )
    print(describe_card(card))
    print("\nwritten: " + ", ".join(map(str, written)))


def _origin(path: Path) -> tuple[str, Path, dict[str, Any]]:
    """Return model type, weights file and training record of a run, or of weights that have a card."""
    from training.evaluate.card import read_card
    from training.evaluate.provenance import training_record

    if path.is_dir():
        record = training_record(path)
        return record.pop("model"), path / "best.safetensors", record
    card = read_card(path.stem, path.parent)
    return card.model_type, path, dict(card.training)


def _pairs(words: list[str]) -> dict[str, str]:
    pairs = dict(word.partition("=")[::2] for word in words)
    if not all(pairs.values()):
        raise ValueError(f"expected NAME=VALUE, got {', '.join(words)}")
    return pairs
