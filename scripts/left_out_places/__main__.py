"""Leave out one place after the other: compare ways to train, or predict for a threshold.

    bin-it-right dev left-out-places table DATASET --extra WEB.parquet --places FOLDER --held-out NAME …
    bin-it-right dev left-out-places predict DATASET … --model raw --weights FILE --output predictions.csv

``table`` trains a linear head on frozen features of EfficientNet-Lite2 (dependency group ``imagenet``), once without
each place, for every choice of choices.py. ``predict`` trains one on the pooled features of trained weights, and writes
how sure it is about each photo of the place that was left out, and whether it is right, for
``evaluate --threshold-predictions``. The layers below saw that place, so the confidences are somewhat too good.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from scripts.left_out_places.choices import CHOICES, Choice
from scripts.left_out_places.left_out import VALIDATION, Photos, Predictions, predict, train_without
from training.atomic_write import write_atomically
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, read_entries
from training.dataset.places import read_places
from training.dataset.preprocessing import normalise
from training.dataset.specification import load_specification
from training.dataset.views import make_views
from training.evaluate.threshold import threshold_for
from training.models.build import build_network
from training.train.checkpoints import load_weights
from training.train.features import teacher_features
from training.train.recipes import load_recipe

#: The recipe that says how views are made, and which features are taken.
_RECIPE = "pretrained_places"
_BATCH = 64


def print_table(photos: Photos, places: Sequence[str], homes: Sequence[str]) -> None:
    """Print a row for each choice: mean accuracy over left-out places, validation, what it knows of its doubts."""
    names = ["choice", "mean", "validation", "AUROC, none", "sure at 0.80", *places]
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}", flush=True)
    for choice in CHOICES:
        left = [predict(photos, train_without(photos, choice, place, homes), place) for place in places]
        val = predict(photos, train_without(photos, choice, None, homes), VALIDATION)
        accuracies = [float(each.correct.mean()) for each in left]
        none = np.concatenate([each.none_confidences for each in left])
        is_known = np.repeat([1, 0], [len(val.confidences), len(none)])
        auroc = roc_auc_score(is_known, np.concatenate([val.confidences, none]))
        confidences = np.concatenate([each.confidences for each in left])
        threshold = threshold_for(confidences, np.concatenate([each.correct for each in left]), 0.8)
        row = [np.mean(accuracies), val.correct.mean(), auroc, (confidences >= threshold).mean(), *accuracies]
        print(f"| {choice.name} | {' | '.join(f'{value:.3f}' for value in row)} |", flush=True)


def write_predictions(answers: Sequence[Predictions], output: Path) -> None:
    """Write confidence, correct and place of every photo that was left out."""
    rows = [
        (f"{confidence:.6f}", int(right), each.place)
        for each in answers
        for confidence, right in zip(each.confidences, each.correct, strict=True)
    ]

    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("confidence", "correct", "place"), *rows])

    write_atomically(output, write)


@torch.inference_mode()
def pooled_features(model_type: str, weights: Path, views: np.ndarray, classes: int) -> torch.Tensor:
    """Return what the last layer of trained weights sees, FP32 [N, V, D], of UINT8 views [N, V, 3, S, S]."""
    specification = load_specification()
    network: Any = build_network(model_type, classes)
    load_weights(network, weights)
    network = network.eval().to(memory_format=torch.channels_last)
    flat = torch.from_numpy(views.reshape(-1, *views.shape[2:]))
    size = (specification.size, specification.size)
    found = []
    for chunk in torch.split(flat, _BATCH):
        pixels = torch.nn.functional.interpolate(chunk, size, mode="bilinear", antialias=True)
        with torch.autocast("cpu", torch.bfloat16):
            found.append(network.features(normalise(pixels, specification)).mean(dim=(2, 3)).float())
    return torch.cat(found).reshape(*views.shape[:2], -1)


def main() -> None:
    """Read the photos and do what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "predict"))
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--extra", type=Path, action="append", default=[], help="a set that is no other place")
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--held-out", action="append", default=[], help="a place that nothing is chosen by")
    parser.add_argument("--general", type=Path)
    parser.add_argument("--model", choices=("raw", "pretrained"))
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("runs", "left_out"), help="keeps the views")
    arguments = parser.parse_args()
    classes, recipe = read_classes(), load_recipe(_RECIPE)
    assert recipe.views is not None
    assert recipe.features is not None
    places = {
        name: entries
        for name, entries in read_places(arguments.places, classes).items()
        if name not in arguments.held_out
    }
    home = read_entries(arguments.dataset, "train")
    extra = [entry for path in arguments.extra for entry in read_entries(path, "train")]
    val = [replace(entry, place=VALIDATION) for entry in read_entries(arguments.dataset, "val")]
    entries: list[Entry] = [*home, *extra, *(entry for place in places.values() for entry in place), *val]
    one_view = recipe.views.model_copy(update={"count": 1})
    views = make_views(entries, one_view, arguments.folder, seed=recipe.seed, general=arguments.general)
    homes = tuple(dict.fromkeys(entry.place for entry in [*home, *extra]))
    if arguments.what == "table":
        features = teacher_features(views, recipe.features, arguments.folder).float()
        print_table(Photos(entries, classes, features), tuple(places), homes)
        return
    if not (arguments.model and arguments.weights and arguments.output):
        parser.error("predict needs --model, --weights and --output")
    # Photos as they are: changed views would take as long again.
    features = pooled_features(arguments.model, arguments.weights, views[:, :1], len(classes))
    photos = Photos(entries, classes, features)
    choice = Choice("as the recipe", home=recipe.home, doubtful=recipe.doubtful_paper, plain=1.0)
    answers = [predict(photos, train_without(photos, choice, place, homes), place) for place in places]
    for each in answers:
        print(f"{each.place}: {len(each.correct)} photos, {each.correct.mean():.3f} right", flush=True)
    write_predictions(answers, arguments.output)


if __name__ == "__main__":
    main()
