"""`bin-it-right evaluate`: calibrates and measures weights, and writes their card."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.cli.options import pairs, with_sentences

OUTPUT = Path("build", "evaluation")


@with_sentences
def evaluate(
    weights: Annotated[Path, typer.Argument(help="The folder of a run, or weights with their card beside them.")],
    dataset: Annotated[Path, typer.Argument(help="A folder with val and test splits.")],
    extra_split: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PARQUET", help="Measure on this too; repeatable.")
    ] = None,
    extra: Annotated[
        list[Path] | None,
        typer.Option(metavar="PARQUET", help="A further training set, to look for duplicates in; repeatable."),
    ] = None,
    out_of_distribution: Annotated[
        Path | None, typer.Option(metavar="PARQUET", help="Out-of-distribution photos: of none of the classes.")
    ] = None,
    places: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Photos from other places: a Parquet file or a folder each.")
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option(metavar="PLACE", help="A place that neither training nor any choice used; repeatable."),
    ] = None,
    threshold_places: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Places, not trained on, that choose the confidence threshold."),
    ] = None,
    threshold_predictions: Annotated[
        Path | None, typer.Option(metavar="CSV", help="The same from predictions: confidence, correct, place.")
    ] = None,
    right_when_sure: Annotated[
        float, typer.Option(min=0, max=1, help="Accuracy of sure answers that the threshold has to give.")
    ] = 0.8,
    describe: Annotated[
        list[str] | None, typer.Option(metavar="KEY=TEXT", help="A fact of the training, for the card; repeatable.")
    ] = None,
    model_repository: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Whose class file and preprocessing they were made for.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help=f"{OUTPUT}/MODEL by default.")] = None,
) -> None:
    """Calibrate and measure weights, and write their card."""
    from training.dataset.classes import MODEL_REPOSITORY
    from training.evaluate.provenance import hardware, portable_command
    from training.evaluate.run import Sources
    from training.evaluate.run import evaluate as measure
    from training.evaluate.summary import describe_card

    model_type, file, record = _origin(weights)
    record |= pairs(describe or [])
    command = "bin-it-right " + shlex.join(sys.argv[1:])
    record["evaluation"] = {"command": portable_command(command), "hardware": hardware()}
    sources = Sources(
        dataset,
        {name: Path(path) for name, path in pairs(extra_split or []).items()},
        out_of_distribution,
        tuple(extra or []),
        places=places,
        held_out=tuple(held_out or []),
        threshold_places=threshold_places,
        threshold_predictions=threshold_predictions,
        right_when_sure=right_when_sure,
    )
    card, written = measure(
        model_type,
        file,
        sources,
        output or OUTPUT / model_type,
        training=record,
        model_repository=model_repository or MODEL_REPOSITORY,
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
