"""``python -m training train DATASET OUTPUT``: train a network by a recipe."""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.dataset.entries import Entry


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command line."""
    parser = subparsers.add_parser("train", help="train a network", description=__doc__)
    parser.add_argument("dataset", type=Path, help="a folder with a subfolder for each class, or a Parquet file")
    parser.add_argument("output", type=Path, help="the folder of the run")
    parser.add_argument("--model", choices=("raw", "pretrained"), default="raw")
    parser.add_argument(
        "--model-repository", type=Path, metavar="FOLDER", help="whose class file and preprocessing to train for"
    )
    parser.add_argument("--recipe", help="name or path of a recipe; the model's own by default")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's number")
    parser.add_argument("--init", default=None, help="imagenet, none, or a file with weights to start from")
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="weights of the recipe's teacher")
    parser.add_argument("--extra", type=Path, action="append", default=[], help="a further training set; repeatable")
    parser.add_argument("--general", type=Path, metavar="PARQUET", help="small pictures, as grounds for things")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--resume", action="store_true", help="go on with the run in the output folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train, and say where the weights are."""
    from training.dataset.classes import MODEL_REPOSITORY, read_classes
    from training.dataset.entries import read_entries
    from training.dataset.specification import load_specification
    from training.train.initialisation import initial_state
    from training.train.recipes import load_recipe
    from training.train.run import RunData, RunStart
    from training.train.run import run as train

    recipe = load_recipe(arguments.recipe or arguments.model)
    if arguments.epochs:
        recipe = recipe.with_epochs(arguments.epochs)
    if arguments.seed is not None:
        recipe = recipe.model_copy(update={"seed": arguments.seed})
    train_entries = read_entries(arguments.dataset, "train")
    repository = arguments.model_repository or MODEL_REPOSITORY
    specification = load_specification(repository)
    if arguments.dataset.suffix == ".parquet":
        # Pictures that are not ours have their own size: upscaled to ours, their validation would only take longer.
        specification = replace(specification, size=max(stage.size for stage in recipe.stages))
        train_entries, val_entries = _hold_out(train_entries)
        classes = tuple(sorted({entry.label for entry in train_entries}))
    else:
        val_entries, classes = read_entries(arguments.dataset, "val"), read_classes(repository)
    for extra in arguments.extra:
        train_entries += read_entries(extra, "train")
    data = RunData(train_entries, val_entries, classes, specification, arguments.general)
    start = RunStart(
        initial_state(arguments.init),
        arguments.teacher,
        arguments.resume,
        {
            "initialisation": arguments.init or "random",
            "command": "python -m training train " + shlex.join(sys.argv[2:]),
        },
    )
    result = train(arguments.model, data, recipe, arguments.output, start)
    state = "interrupted after" if result.interrupted else "done:"
    print(f"{state} {result.epochs_done} epochs; best on validation: {result.best}; weights: {result.weights}")


def _hold_out(entries: "list[Entry]") -> "tuple[list[Entry], list[Entry]]":
    """Split off every fiftieth photo of a set that comes without lists."""
    held = entries[::50]
    return [entry for index, entry in enumerate(entries) if index % 50], held
