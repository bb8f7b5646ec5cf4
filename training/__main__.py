"""``python -m training``: train, evaluate, export and predict from a shell."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from training.classes import read_classes
from training.dataset import Entry, read_entries
from training.initialisation import initial_state
from training.preprocessing import load_specification
from training.recipes import load_recipe


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train a network")
    train.add_argument("dataset", type=Path, help="a folder with a subfolder for each class, or a Parquet file")
    train.add_argument("output", type=Path, help="the folder of the run")
    train.add_argument("--model", choices=("raw", "pretrained"), default="raw")
    train.add_argument("--recipe", help="name or path of a recipe; the model's own by default")
    train.add_argument("--epochs", type=int, help="instead of the recipe's number")
    train.add_argument("--init", default=None, help="imagenet, none, or a file with weights to start from")
    train.add_argument("--extra", type=Path, action="append", default=[], help="a further training set; repeatable")
    train.add_argument("--seed", type=int)
    train.add_argument("--resume", action="store_true", help="go on with the run in the output folder")
    return parser


def _train(arguments: argparse.Namespace) -> None:
    from training.train import run

    recipe = load_recipe(arguments.recipe or arguments.model)
    if arguments.epochs:
        recipe = recipe.with_epochs(arguments.epochs)
    if arguments.seed is not None:
        recipe = recipe.model_copy(update={"seed": arguments.seed})
    train_entries = read_entries(arguments.dataset, "train")
    specification = load_specification()
    if arguments.dataset.suffix == ".parquet":
        # Pictures that are not ours have their own size: upscaled to ours, their validation would only take longer.
        specification = replace(specification, size=max(stage.size for stage in recipe.stages))
        train_entries, val_entries = _hold_out(train_entries)
        classes = tuple(sorted({entry.label for entry in train_entries}))
    else:
        val_entries, classes = read_entries(arguments.dataset, "val"), read_classes()
    for extra in arguments.extra:
        train_entries += read_entries(extra, "train")
    initial = initial_state(arguments.init)
    result = run(
        arguments.model,
        train_entries,
        val_entries,
        classes,
        arguments.output,
        recipe=recipe,
        specification=specification,
        initial=initial,
        resume=arguments.resume,
        description={
            "initialisation": arguments.init or "random",
            "command": "python -m training " + " ".join(sys.argv[1:]),
        },
    )
    state = "interrupted after" if result.interrupted else "done:"
    print(f"{state} {result.epochs_done} epochs; best on validation: {result.best}; weights: {result.weights}")


def _hold_out(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Split off every fiftieth photo of a set that comes without lists."""
    held = entries[::50]
    return [entry for index, entry in enumerate(entries) if index % 50], held


def main() -> int:
    """Run one command; a wrong input ends it with a sentence and exit code 1."""
    arguments = _parser().parse_args()
    try:
        _train(arguments)
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
