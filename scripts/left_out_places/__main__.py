"""Leave out one place after the other, to compare ways to train.

    bin-it-right dev left-out-places DATASET --extra WEB.parquet --places FOLDER --held-out NAME …

Trains a linear head on frozen features of EfficientNet-Lite2 (dependency group ``imagenet``), once without each place,
for every choice of choices.py, and prints a table.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from scripts.left_out_places.choices import CHOICES
from scripts.left_out_places.left_out import VALIDATION, Photos, predict, train_without
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, read_entries
from training.dataset.places import read_places
from training.dataset.views import make_views
from training.evaluate.threshold import threshold_for
from training.train.features import teacher_features
from training.train.recipes import load_recipe

#: The recipe that says how views are made, and which features are taken.
_RECIPE = "pretrained_places"


def print_table(photos: Photos, places: Sequence[str], homes: Sequence[str]) -> None:
    """Print a row for each choice: mean accuracy over left-out places, validation, AUROC against photos of none."""
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


def main() -> None:
    """Read the photos and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--extra", type=Path, action="append", default=[], help="a set that is no other place")
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--held-out", action="append", default=[], help="a place that nothing is chosen by")
    parser.add_argument("--general", type=Path)
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
    features = teacher_features(views, recipe.features, arguments.folder).float()
    print_table(Photos(entries, classes, features), tuple(places), homes)


if __name__ == "__main__":
    main()
