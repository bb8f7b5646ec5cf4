"""Evaluate weights: calibrate them on the validation list, measure them on every list, write their card."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from training.answers import answer, draw_answers
from training.assess import assess, assess_other_things, drift_reference
from training.calibration import confidence_threshold, fit_temperature
from training.cards import Calibration, ModelCard, card_path, read_card, sha256, weights_path, write_card
from training.checkpoints import load_weights, save_weights
from training.classes import MODEL_REPOSITORY, read_classes
from training.dataset import PhotoSet, load_photos, read_entries
from training.duplicates import duplicates_of
from training.networks import build_network
from training.specification import load_specification


@dataclass(frozen=True)
class Sources:
    """What to measure on: a data set with lists, further sets by name, and photos of none of the classes.

    ``extra_training`` was trained on beside the training list: duplicates are looked for in both.
    """

    dataset: Path
    extra_lists: Mapping[str, Path] = field(default_factory=dict)
    other_things: Path | None = None
    extra_training: tuple[Path, ...] = ()


def evaluate(
    model_type: str,
    weights: Path,
    sources: Sources,
    output: Path,
    *,
    training: dict[str, Any],
    model_repository: Path = MODEL_REPOSITORY,
) -> tuple[ModelCard, list[Path]]:
    """Measure ``weights`` in the half precision that they ship in; write them, their card and figures to ``output``.

    Temperature and threshold come from the validation list; the other lists are only measured on.

    Args:
        model_type: ``raw`` or ``pretrained``.
        weights: safetensors of the network.
        sources: the lists.
        output: a folder; what an earlier evaluation left there is replaced.
        training: what the card is to say of the origin of the weights.
        model_repository: its class file and specification are those of the network.

    Returns:
        The card, and the files that were written.

    Raises:
        ValueError: the weights belong to another network or other classes, or a photo cannot be decoded.
        FileNotFoundError: weights, a list or a photo are missing.
    """
    classes, specification = read_classes(model_repository), load_specification(model_repository)
    network = build_network(model_type, len(classes))
    load_weights(network, weights)
    candidate = weights_path(model_type, output)
    save_weights(network, candidate, half=True)
    load_weights(network, candidate)
    network = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    entries = {split: read_entries(sources.dataset, split) for split in ("val", "test")}
    entries |= {name: read_entries(path, "test") for name, path in sources.extra_lists.items()}
    answers = {
        name: answer(network, load_photos(listed, classes, specification.size), specification)
        for name, listed in entries.items()
    }
    val = answers["val"]
    temperature = fit_temperature(val.logits, val.photos.labels)
    val_probabilities = val.probabilities(temperature)
    threshold = confidence_threshold(val_probabilities.max(axis=1))

    seen = [entry for path in (sources.dataset, *sources.extra_training) for entry in read_entries(path, "train")]
    duplicates = duplicates_of(entries, seen)
    reports = {
        name: assess(
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
    if sources.other_things is not None:
        photos = _unlabelled(sources.other_things, classes, specification.size)
        other = assess_other_things(
            answers["test"].probabilities(temperature),
            answer(network, photos, specification).probabilities(temperature),
            threshold=threshold,
        )
    card = ModelCard(
        model_type=model_type,
        classes=classes,
        weights_sha256=sha256(candidate),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        preprocessing=asdict(specification),
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        training=training,
        calibration=Calibration(temperature=temperature, confidence_threshold=threshold),
        metrics=reports,
        other_things=other,
        drift_reference=drift_reference(
            val_probabilities, val.photos.pixels.float().mean(dim=(1, 2, 3)).numpy(), classes, threshold=threshold
        ),
    )
    write_card(card, output)
    written = [candidate, card_path(model_type, output)]
    for name, said in answers.items():
        stem = output / f"{model_type}_{name}"
        written += draw_answers(said, reports[name], temperature, title=f"{model_type}, {name}", stem=stem)
    return read_card(model_type, output), written


def _unlabelled(path: Path, classes: Sequence[str], size: int) -> PhotoSet:
    """Read photos of none of the classes; the label that they get is never looked at."""
    entries = [type(entry)(entry.source, classes[0], entry.name) for entry in read_entries(path, "test")]
    return load_photos(entries, classes, size)
