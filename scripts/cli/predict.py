"""`bin-it-right predict`: classifies photos without a server, a JSON line for each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import ModelType, with_sentences


@with_sentences
def predict(
    model: Annotated[Path, typer.Argument(help="The weights (training/weights/raw.safetensors), or their folder.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Photos, or folders of them.")],
    model_type: Annotated[ModelType | None, typer.Option(help="Needed where MODEL is a folder.")] = None,
) -> None:
    """Classify photos without a server: a JSON line for each, in the form of the HTTP answer."""
    from scripts.cli.classify.photos import shown
    from training.evaluate.predict import predict

    folder, name = _resolve(model, model_type)
    for prediction in predict(name, list(_photos(images)), folder):
        answer = {"pred_class": prediction.pred_class, "classes": prediction.classes, "not_sure": not prediction.sure}
        print(json.dumps({"file": shown(str(prediction.path)), **answer}))


def _photos(images: list[Path]) -> Iterator[Path]:
    """Yield the photos, and those in folders and in the folders below them.

    Raises:
        ValueError: a folder has no photos.
    """
    from training.dataset.photo_files import SUFFIXES, Skipped, photos_below

    for image in images:
        found = list(photos_below(image, Skipped())) if image.is_dir() else [image]
        if not found:
            raise ValueError(f"there are no photos in {image}: no file is called {', '.join(sorted(SUFFIXES))}")
        yield from found


def _resolve(model: Path, model_type: ModelType | None) -> tuple[Path, str]:
    if model.is_dir():
        if model_type is None:
            raise ValueError(f"{model} is a folder: say --model-type raw or --model-type pretrained")
        return model, model_type.value
    if not model.exists():
        raise FileNotFoundError(f"there are no weights {model}")
    if model_type not in (None, model.stem):
        raise ValueError(f"{model} is named for the model type {model.stem}, not {model_type}")
    return model.parent, model.stem
