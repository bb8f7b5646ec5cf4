"""Retrain the last layer of trained weights on features that are computed once; the layers below stay as they are.

The features stay, and with them most of the accuracy on the network's own photos. The new layer is used as far as the
validation split allows: a point on the straight line between the old and the new one (WiSE-FT, Wortsman et al., 2022,
https://arxiv.org/abs/2109.01903).
"""

import copy
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.dataset.entries import PhotoSet, load_photos
from training.dataset.places import NONE
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.evaluate.calibration import fit_temperature
from training.evaluate.places import correct_answers
from training.evaluate.threshold import ThresholdPredictions, write_threshold_predictions
from training.models.build import build_network
from training.train import checkpoints
from training.train.engine import batches, learning_rate_factor
from training.train.history import Row, validation_row, write_history
from training.train.initialisation import initialise
from training.train.precision import mixed_precision
from training.train.progress import Progress
from training.train.providers import PYTORCH
from training.train.recipes import Recipe
from training.train.run import RunData, RunResult, RunStart, say_what_is_read, write_record
from training.train.training_set import TrainingSet, load_training_set

#: Predictions for places that were left out, in the folder of the run.
LEFT_OUT = "left_out.csv"

_BATCH = 64
#: Points of the line that are tried, from the new layer to the old one.
_STEPS = 20


@torch.no_grad()
def pooled_features(
    network: nn.Module, pixels: torch.Tensor, specification: Specification, *, mixed: bool
) -> torch.Tensor:
    """Return what the last layer sees, FP32 [N, D], of UINT8 pixels [N, 3, S, S].

    Args:
        network: in evaluation mode.
        pixels: resized to the specification's size where they have another.
        specification: the preprocessing.
        mixed: whether the layers compute in bfloat16, where the device can.
    """
    device = next(network.parameters()).device
    size = (specification.size, specification.size)
    found = []
    for chunk in torch.split(pixels, _BATCH):
        if chunk.shape[-1] != specification.size:
            chunk = functional.interpolate(chunk, size, mode="bilinear", antialias=True)
        with mixed_precision(device, wanted=mixed):
            maps = cast(Any, network).features(normalise(chunk.to(device), specification))
        found.append(maps.mean(dim=(2, 3)).float().cpu())
    return torch.cat(found)


def train_last_layer(
    model_type: str, data: RunData, recipe: Recipe, output: Path, start: RunStart | None = None
) -> RunResult:
    """Retrain the last layer of ``start.initial``; leave ``best.safetensors``, ``run.json`` and curves in ``output``.

    The layer goes back towards where it started until neither accuracy nor balanced accuracy on the validation split is
    lower than at the start. The same is then done without each place in turn, and what the layer says of the place that
    it never saw goes into ``left_out.csv``, for ``evaluate --threshold-predictions``.

    Args:
        model_type: ``raw`` or ``pretrained``.
        data: the photos.
        recipe: one with ``features_once``.
        output: the folder of the run.
        start: holds the initial weights. Resuming begins again: a run takes minutes.

    Raises:
        ValueError: there are no initial weights; the photos do not fit; ``output`` holds a run and ``resume`` is false;
            or no step towards the new layer leaves the validation split as good.
    """
    start = start or RunStart()
    if start.initial is None:
        raise ValueError("this recipe retrains the last layer of trained weights: say --init FILE")
    if start.provider != PYTORCH:
        raise ValueError(f"this recipe is trained by PyTorch only, not by {start.provider}: leave --provider out")
    if (output / "best.safetensors").exists() and not start.resume:
        raise ValueError(f"{output} holds a run already: say --resume to make it again, or name another folder")
    torch.manual_seed(recipe.seed)
    progress = Progress(recipe.epochs)
    say_what_is_read(data, recipe, progress)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = build_network(model_type, len(data.classes))
    initialise(network, start.initial)
    network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    size = data.specification.size
    photos = load_training_set(data.train, data.classes, recipe, output, size=size, general=data.general)
    val = load_photos(data.val, data.classes, size)
    progress.say("computing their features")
    features = pooled_features(network, photos.pictures[:, 0], data.specification, mixed=recipe.mixed_precision)
    # In full precision, as the evaluation measures.
    val = replace(val, pixels=pooled_features(network, val.pixels, data.specification, mixed=False))
    old = cast(nn.Linear, network.fc).cpu()
    try:
        new, history = _trained(copy.deepcopy(old), features, photos, val, recipe, progress)
    finally:
        progress.close()
    share, row = _furthest(old, new, val, recipe.furthest)
    progress.say(f"{share:.0%} of the way from the old layer to the new one")
    network.fc = _between(old, new, share)
    write_record(output, model_type, data, recipe, start, {"torch": torch.__version__, "share_of_new_layer": share})
    progress.say("training it without each place, for the threshold")
    left_out = _left_out(old, share, features, photos, val, data, recipe)
    write_threshold_predictions(left_out, output / LEFT_OUT)
    checkpoints.save_weights(network, output / "best.safetensors")
    write_history(output, history)
    return RunResult(output / "best.safetensors", row, recipe.epochs, interrupted=False)


def _left_out(
    old: nn.Linear,
    share: float,
    features: torch.Tensor,
    photos: TrainingSet,
    val: PhotoSet,
    data: RunData,
    recipe: Recipe,
) -> ThresholdPredictions:
    """Ask a layer about each place that it was trained without; at the temperature that validation gives it."""
    # General pictures come after the photos of the data, and belong to no place.
    names = np.array([entry.place for entry in data.train] + [""] * (len(photos) - len(data.train)))
    labels = np.array([entry.label for entry in data.train] + [NONE] * (len(photos) - len(data.train)))
    home = data.train[0].place
    confidences, correct, places = [], [], []
    for place in dict.fromkeys(entry.place for entry in data.train):
        rows = np.flatnonzero((names == place) & (labels != NONE))
        if place == home or place in recipe.no_threshold_by or not len(rows):
            continue
        weights = photos.weights.clone()
        weights[torch.from_numpy(names == place)] = 0
        kept = replace(photos, weights=weights)
        new, _ = _trained(copy.deepcopy(old), features, kept, val, recipe, Progress(recipe.epochs, prints=False))
        layer = _between(old, new, share)
        with torch.no_grad():
            temperature = fit_temperature(layer(val.pixels), val.labels)
            probabilities = torch.softmax(layer(features[rows]) / temperature, dim=1).numpy()
        confidences.append(probabilities.max(axis=1))
        correct.append(correct_answers(probabilities.argmax(axis=1), labels[rows].tolist(), data.classes))
        places += [place] * len(rows)
    if not places:
        return ThresholdPredictions(np.empty(0), np.empty(0, dtype=bool), ())
    return ThresholdPredictions(np.concatenate(confidences), np.concatenate(correct), tuple(places))


def _trained(
    layer: nn.Linear, features: torch.Tensor, photos: TrainingSet, val: PhotoSet, recipe: Recipe, progress: Progress
) -> tuple[nn.Linear, list[Row]]:
    recipe = recipe.fitted_to(len(photos))
    generator = torch.Generator().manual_seed(recipe.seed)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    total = recipe.epochs * (len(photos) // recipe.batch_size)
    history: list[Row] = []
    step = 0
    for number in range(recipe.epochs):
        began = time.monotonic()
        progress.begin(number, total // recipe.epochs)
        losses = []
        for rows in batches(len(photos), recipe, photos.weights, generator):
            rate = recipe.learning_rate * learning_rate_factor(step / total, recipe.warmup)
            for group in optimiser.param_groups:
                group["lr"] = rate
            logits = layer(features[rows])
            loss = functional.cross_entropy(logits, photos.targets[rows], label_smoothing=recipe.label_smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.detach())
            progress.step(losses[-1], rate)
            step += 1
        seconds, mean = round(time.monotonic() - began, 1), float(torch.stack(losses).mean())
        history.append({"epoch": number + 1, "seconds": seconds, "train_loss": mean} | _figures(layer, val))
        progress.epoch(history[-1])
    return layer, history


def _furthest(old: nn.Linear, new: nn.Linear, val: PhotoSet, limit: float) -> tuple[float, Row]:
    """Return the largest share of the new layer, up to ``limit``, with which validation is no worse than before."""
    before = _figures(old, val)
    for step in range(int(limit * _STEPS), 0, -1):
        row = _figures(_between(old, new, step / _STEPS), val)
        if all(row[name] >= before[name] for name in ("val_accuracy", "val_balanced_accuracy")):
            return step / _STEPS, row
    raise ValueError(
        "every step towards the new last layer makes the validation split worse: nothing was written. "
        "Draw the official split more often (the recipe's key home)"
    )


@torch.no_grad()
def _between(old: nn.Linear, new: nn.Linear, share: float) -> nn.Linear:
    layer = copy.deepcopy(old)
    layer.weight.lerp_(new.weight, share)
    layer.bias.lerp_(new.bias, share)
    return layer


@torch.no_grad()
def _figures(layer: nn.Linear, val: PhotoSet) -> Row:
    return validation_row(layer(val.pixels), val.labels)
