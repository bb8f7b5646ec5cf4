"""``python -m training predict MODEL IMAGE…``: classify photos without a server, a JSON line for each."""

import argparse
import json
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command line."""
    parser = subparsers.add_parser("predict", help="classify photos without a server", description=__doc__)
    parser.add_argument("model", type=Path, help="the weights (training/weights/raw.safetensors), or their folder")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    parser.add_argument("--model-type", choices=("raw", "pretrained"), help="needed where MODEL is a folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print an answer in the form of the HTTP one, with the file that it is for."""
    from training.evaluate.predict import predict

    folder, model_type = _resolve(arguments.model, arguments.model_type)
    for prediction in predict(model_type, arguments.images, folder):
        answer = {"pred_class": prediction.pred_class, "classes": prediction.classes, "sure": prediction.sure}
        print(json.dumps({"file": str(prediction.path), **answer}))


def _resolve(model: Path, model_type: str | None) -> tuple[Path, str]:
    if model.is_dir():
        if model_type is None:
            raise ValueError(f"{model} is a folder: say --model-type raw or --model-type pretrained")
        return model, model_type
    if not model.exists():
        raise FileNotFoundError(f"there are no weights {model}")
    if model_type not in (None, model.stem):
        raise ValueError(f"{model} is named for the model type {model.stem}, not {model_type}")
    return model.parent, model.stem
