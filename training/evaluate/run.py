"""Evaluate weights: calibrate them on the validation split, measure them on every split, write their card."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.duplicates import duplicates_of
from training.dataset.entries import Entry, PhotoSet, load_photos, read_entries
from training.dataset.places import read_places
from training.dataset.specification import load_specification
from training.evaluate.bfloat16 import report_bfloat16
from training.evaluate.calibration import fit_temperature
from training.evaluate.card import Calibration, ModelCard, card_path, read_card, sha256, weights_path, write_card
from training.evaluate.places import check_held_out, report_places
from training.evaluate.predictions import draw_predictions, predict_photos
from training.evaluate.report import drift_reference, make_report, report_out_of_distribution
from training.evaluate.threshold import (
    VALIDATION_RULE,
    confidence_threshold,
    predict_for_threshold,
    read_threshold_predictions,
)
from training.models.build import build_network
from training.train.checkpoints import load_weights, save_weights


@dataclass(frozen=True)
class Sources:
    """What to measure on: a data set with splits, further sets by name, and photos of none of the classes.

    ``extra_training`` was trained on beside the training split: duplicates are looked for in both. ``places`` is a
    folder of other places (``training.dataset.places``), ``held_out`` names those that no choice and no training saw.

    The confidence threshold is chosen such that sure answers are right in ``right_when_sure`` of the cases, by the
    predictions for left-out places in ``threshold_predictions`` or by the network's own for ``threshold_places``, which
    it must not have been trained on; where neither is given, a tenth of the validation images is under it.
    """

    dataset: Path
    extra_splits: Mapping[str, Path] = field(default_factory=dict)
    out_of_distribution: Path | None = None
    extra_training: tuple[Path, ...] = ()
    places: Path | None = None
    held_out: tuple[str, ...] = ()
    threshold_places: Path | None = None
    threshold_predictions: Path | None = None
    right_when_sure: float = 0.8

    def __post_init__(self) -> None:
        if self.threshold_places and self.threshold_predictions:
            raise ValueError("the confidence threshold is chosen by places or by predictions, not by both")
        if self.held_out and not self.places:
            raise ValueError("held-out places need the folder that they are in")


def evaluate(
    model_type: str,
    weights: Path,
    sources: Sources,
    output: Path,
    *,
    training: dict[str, Any],
    model_repository: Path = MODEL_REPOSITORY,
) -> tuple[ModelCard, list[Path]]:
    """Measure ``weights`` in half precision, as they are released; write them, their card and figures to ``output``.

    The temperature comes from the validation split, the threshold by the rule of ``sources``; other splits are only
    measured on.

    Args:
        model_type: ``raw`` or ``pretrained``.
        weights: safetensors of the network.
        sources: the splits.
        output: a folder; what an earlier evaluation left there is replaced.
        training: what the card is to say of the origin of the weights.
        model_repository: its class file and specification are those of the network.

    Returns:
        The card, and the files that were written.

    Raises:
        ValueError: the weights belong to another network or other classes, or a photo cannot be decoded.
        FileNotFoundError: weights, a split or a photo are missing.
    """
    classes, specification = read_classes(model_repository), load_specification(model_repository)
    # Read before anything takes long: a wrong name or label is said at once.
    places = read_places(sources.places, classes) if sources.places else {}
    check_held_out(sources.held_out, places)
    left_out = read_places(sources.threshold_places, classes) if sources.threshold_places else {}
    given = None
    if sources.threshold_predictions is not None:
        given = read_threshold_predictions(sources.threshold_predictions, sources.right_when_sure)
    candidate = weights_path(model_type, output)
    network = _in_half_precision(model_type, weights, candidate, len(classes))

    entries = {split: read_entries(sources.dataset, split) for split in ("val", "test")}
    entries |= {name: read_entries(path, "test") for name, path in sources.extra_splits.items()}
    answers = {
        name: predict_photos(network, load_photos(listed, classes, specification.size), specification)
        for name, listed in entries.items()
    }
    val = answers["val"]
    temperature = fit_temperature(val.logits, val.photos.labels)
    val_probabilities = val.probabilities(temperature)

    def predict(photos: Sequence[Entry]) -> np.ndarray:
        pixels = _unlabelled(photos, classes, specification.size)
        return predict_photos(network, pixels, specification).probabilities(temperature)

    chosen_by = predict_for_threshold(left_out, predict, classes, sources.right_when_sure) if left_out else given
    threshold = chosen_by.threshold() if chosen_by else confidence_threshold(val_probabilities.max(axis=1))

    seen = [entry for path in (sources.dataset, *sources.extra_training) for entry in read_entries(path, "train")]
    duplicates = duplicates_of(entries, seen)
    reports = {
        name: make_report(
            said.probabilities(temperature),
            said.labels,
            classes,
            threshold=threshold,
            uncalibrated=said.probabilities(1.0),
            duplicates=duplicates[name],
        )
        for name, said in answers.items()
    }
    other = None
    if sources.out_of_distribution is not None:
        unknown = predict(read_entries(sources.out_of_distribution, "test"))
        known = answers["test"].probabilities(temperature)
        other = report_out_of_distribution(known, unknown, threshold=threshold)
    card = ModelCard(
        model_type=model_type,
        classes=classes,
        weights_sha256=sha256(candidate),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        preprocessing=asdict(specification),
        date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        training=training,
        calibration=Calibration(temperature=temperature, confidence_threshold=threshold),
        threshold_rule=chosen_by.rule if chosen_by else VALIDATION_RULE,
        metrics=reports,
        places=report_places(places, predict, classes, threshold=threshold, held_out=sources.held_out)
        if places
        else None,
        out_of_distribution=other,
        drift_reference=drift_reference(
            val_probabilities, val.photos.pixels.float().mean(dim=(1, 2, 3)).numpy(), classes, threshold=threshold
        ),
        bfloat16=report_bfloat16(network, answers, specification),
    )
    write_card(card, output)
    written = [candidate, card_path(model_type, output)]
    for name, said in answers.items():
        stem = output / f"{model_type}_{name}"
        written += draw_predictions(said, reports[name], temperature, title=f"{model_type}, {name}", stem=stem)
    return read_card(model_type, output), written


def _in_half_precision(model_type: str, weights: Path, candidate: Path, classes: int) -> nn.Module:
    """Return the network with the precision of its weights as they are released, which are written to ``candidate``."""
    network = build_network(model_type, classes)
    load_weights(network, weights)
    save_weights(network, candidate, half=True)
    load_weights(network, candidate)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _unlabelled(entries: Sequence[Entry], classes: Sequence[str], size: int) -> PhotoSet:
    """Read photos whose labels may be none of the classes; the label that they get is never looked at."""
    return load_photos([replace(entry, label=classes[0]) for entry in entries], classes, size)
