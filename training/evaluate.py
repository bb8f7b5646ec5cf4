"""Evaluate weights: calibrate them on the validation list, measure them on every list, write their card."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training import figures
from training.assess import assess, assess_other_things, drift_reference
from training.calibration import confidence_threshold, fit_temperature
from training.cards import Calibration, ModelCard, card_path, read_card, sha256, weights_path, write_card
from training.checkpoints import load_weights, save_weights
from training.classes import read_classes
from training.dataset import PhotoSet, load_photos, read_entries
from training.duplicates import duplicates_of
from training.engine import predict_logits
from training.mistakes import caption, pictures, worst_mistakes
from training.networks import build_network
from training.preprocessing import Specification, load_specification
from training.reports import ListReport


@dataclass(frozen=True)
class Sources:
    """What to measure on: a data set with lists, further sets by name, and photos of none of the classes.

    ``extra_training`` was trained on beside the training list: duplicates are looked for in both.
    """

    dataset: Path
    extra_lists: Mapping[str, Path] = field(default_factory=dict)
    other_things: Path | None = None
    extra_training: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Answers:
    """What a network says about a list: logits FP32 [N, classes] and the photos themselves."""

    logits: torch.Tensor
    photos: PhotoSet

    def probabilities(self, temperature: float) -> np.ndarray:
        """Return probabilities FP64 [N, classes]."""
        return torch.softmax(self.logits.double() / temperature, dim=1).numpy()

    @property
    def labels(self) -> np.ndarray:
        """Return the true classes, INT64 [N]."""
        return self.photos.labels.numpy()


def evaluate(
    model_type: str, weights: Path, sources: Sources, output: Path, *, training: dict[str, Any]
) -> tuple[ModelCard, list[Path]]:
    """Measure ``weights`` in the half precision that they ship in; write them, their card and figures to ``output``.

    Temperature and threshold come from the validation list; the other lists are only measured on.

    Args:
        model_type: ``raw`` or ``pretrained``.
        weights: safetensors of the network.
        sources: the lists.
        output: a folder; what an earlier evaluation left there is replaced.
        training: what the card is to say of the origin of the weights.

    Returns:
        The card, and the files that were written.

    Raises:
        ValueError: the weights belong to another network or other classes, or a photo cannot be decoded.
        FileNotFoundError: weights, a list or a photo are missing.
    """
    classes, specification = read_classes(), load_specification()
    network = build_network(model_type, len(classes))
    load_weights(network, weights)
    candidate = weights_path(model_type, output)
    save_weights(network, candidate, half=True)
    load_weights(network, candidate)
    network = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    entries = {split: read_entries(sources.dataset, split) for split in ("val", "test")}
    entries |= {name: read_entries(path, "test") for name, path in sources.extra_lists.items()}
    answers = {
        name: _answer(network, load_photos(listed, classes, specification.size), specification)
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
            _answer(network, photos, specification).probabilities(temperature),
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
        written += _draw(model_type, name, said, reports[name], temperature, output)
    return read_card(model_type, output), written


def _answer(network: nn.Module, photos: PhotoSet, specification: Specification) -> Answers:
    return Answers(predict_logits(network, photos.pixels, specification), photos)


def _unlabelled(path: Path, classes: Sequence[str], size: int) -> PhotoSet:
    """Read photos of none of the classes; the label that they get is never looked at."""
    entries = [type(entry)(entry.source, classes[0], entry.name) for entry in read_entries(path, "test")]
    return load_photos(entries, classes, size)


def _draw(
    model_type: str, name: str, said: Answers, report: ListReport, temperature: float, output: Path
) -> list[Path]:
    probabilities, title = said.probabilities(temperature), f"{model_type}, {name}"
    mistakes = worst_mistakes(probabilities, said.labels)
    captions = [caption(mistake, said.photos) for mistake in mistakes]
    drawn = {
        "confusion": figures.draw_confusion(report.confusion, said.photos.classes, title),
        "reliability": figures.draw_reliability(probabilities, said.labels, f"{title}: ECE {report.ece:.3f}"),
        "worst": figures.draw_contact_sheet(pictures(mistakes, said.photos), captions, f"{title}: worst mistakes"),
    }
    paths = []
    for kind, figure in drawn.items():
        paths.append(output / f"{model_type}_{name}_{kind}.png")
        figures.save(figure, paths[-1])
    return paths
