"""`bin-it-right train`: trains a network by a recipe."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.cli.options import ModelType, Provider, recipe_names, with_sentences

if TYPE_CHECKING:
    from training.dataset.entries import Entry


@with_sentences
def train(
    dataset: Annotated[Path, typer.Argument(help="A folder with a subfolder for each class, or a Parquet file.")],
    output: Annotated[Path, typer.Argument(help="The folder of the run.")],
    model: Annotated[ModelType, typer.Option(help="Which network.")] = ModelType.raw,
    provider: Annotated[
        Provider, typer.Option(help="The framework that trains; the weights are PyTorch's in the end.")
    ] = Provider.pytorch,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Name or path of a recipe; the one named like the model by default.", autocompletion=recipe_names
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's number.")] = None,
    init: Annotated[
        str | None, typer.Option(help="imagenet, none, or a file with weights to start from; none by default.")
    ] = None,
    teacher: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights of the recipe's teacher.")] = None,
    extra: Annotated[
        list[Path] | None, typer.Option(metavar="DATASET", help="A further training set; repeatable.")
    ] = None,
    general: Annotated[
        Path | None, typer.Option(metavar="PARQUET", help="Small pictures of anything, as backgrounds of views.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    model_repository: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Whose class file and preprocessing to train for.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
) -> None:
    """Train a network by a recipe.

    Ctrl-C ends the run after the last whole epoch; --resume goes on from there.
    """
    from training.dataset.classes import MODEL_REPOSITORY, read_classes
    from training.dataset.entries import read_entries
    from training.dataset.specification import load_specification
    from training.train.initialisation import initial_state
    from training.train.last_layer import train_last_layer
    from training.train.recipes import load_recipe
    from training.train.run import RunData, RunStart, run
    from training.train.top_layers import train_top_layers

    chosen = load_recipe(recipe or model.value)
    if epochs:
        chosen = chosen.with_epochs(epochs)
    if seed is not None:
        chosen = chosen.model_copy(update={"seed": seed})
    train_entries = read_entries(dataset, "train")
    repository = model_repository or MODEL_REPOSITORY
    specification = load_specification(repository)
    if dataset.suffix == ".parquet":
        # Pictures that are not ours have their own size: upscaled to ours, their validation would only take longer.
        specification = replace(specification, size=max(stage.size for stage in chosen.stages))
        train_entries, val_entries = _hold_out(train_entries)
        classes = tuple(sorted({entry.label for entry in train_entries}))
    else:
        val_entries, classes = read_entries(dataset, "val"), read_classes(repository)
    for path in extra or []:
        train_entries += read_entries(path, "train")
    data = RunData(train_entries, val_entries, classes, specification, general)
    command = "bin-it-right " + shlex.join(sys.argv[1:])
    description = {"initialisation": init or "random", "command": command}
    start = RunStart(initial_state(init), teacher, resume, provider.value, description)
    work = train_last_layer if chosen.features_once else train_top_layers if chosen.maps_once else run
    result = work(model.value, data, chosen, output, start)
    state = "interrupted after" if result.interrupted else "done:"
    print(f"{state} {result.epochs_done} epochs; kept, on validation: {result.best}; weights: {result.weights}")


def _hold_out(entries: "list[Entry]") -> "tuple[list[Entry], list[Entry]]":
    """Split off every fiftieth photo of a set that comes without splits."""
    held = entries[::50]
    return [entry for index, entry in enumerate(entries) if index % 50], held
