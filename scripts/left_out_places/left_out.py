"""Train heads without one place each, and predict that place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from scripts.left_out_places.choices import Choice
from scripts.left_out_places.probe import train_head
from training.dataset.entries import UNLABELLED, Entry, label_indices
from training.dataset.targets import sampling_weights, target_distributions
from training.evaluate.calibration import fit_temperature
from training.evaluate.places import correct_answers

#: The place of the validation photos: they are never trained on.
VALIDATION = "validation"


@dataclass(frozen=True)
class Photos:
    """Training and validation photos, and FP32 [N, V, D] features of V views of each."""

    entries: Sequence[Entry]
    classes: Sequence[str]
    features: torch.Tensor

    def rows(self, place: str) -> np.ndarray:
        """Return which photos are of a place, INT64 [M]."""
        return np.flatnonzero(np.array([entry.place for entry in self.entries]) == place)


@dataclass(frozen=True)
class Predictions:
    """Predictions about photos of one place by a head that never saw it: confidences, and whether they are right."""

    place: str
    confidences: np.ndarray
    correct: np.ndarray
    none_confidences: np.ndarray


def train_without(photos: Photos, choice: Choice, place: str | None, homes: Sequence[str]) -> nn.Module:
    """Train a head as ``choice`` says on all photos but those of ``place`` and of validation.

    Args:
        photos: all photos.
        choice: how to train.
        place: what is left out; None leaves nothing out.
        homes: the official split and the sets that are no other places, in this order.
    """
    entries, labels = photos.entries, label_indices(photos.entries, photos.classes)
    kept = [
        row
        for row, entry in enumerate(entries)
        if entry.place not in (VALIDATION, place)
        and (choice.places or entry.place in homes)
        and (choice.unlabelled or labels[row] != UNLABELLED)
    ]
    places = [entries[row].place for row in kept]
    weights = torch.zeros(len(entries), dtype=torch.float64)
    weights[kept] = sampling_weights(
        labels[kept],
        places,
        class_balance=choice.class_balance,
        place_balance=choice.place_balance,
        home=choice.home,
    )
    targets = target_distributions(labels, [entry.place for entry in entries], photos.classes, choice.doubtful)
    others = photos.features.shape[1] - 1
    shares = torch.tensor([choice.plain, *([(1 - choice.plain) / others] * others if others else [])])
    return train_head(photos.features, targets, weights, shares, choice.head)


@torch.inference_mode()
def predict(photos: Photos, layer: nn.Module, place: str) -> Predictions:
    """Ask a head about the photos of a place as they are, calibrated on validation as ``evaluate`` does."""
    labels = label_indices(photos.entries, photos.classes)
    val, rows = photos.rows(VALIDATION), photos.rows(place)
    with torch.inference_mode(mode=False):
        temperature = fit_temperature(layer(photos.features[val, 0]).detach(), labels[val])
    found = torch.softmax(layer(photos.features[rows, 0]).double() / temperature, dim=1).numpy()
    known = labels[rows].numpy() != UNLABELLED
    truth = [photos.entries[row].label for row in rows[known]]
    correct = correct_answers(found[known].argmax(axis=1), truth, photos.classes)
    return Predictions(place, found[known].max(axis=1), correct, found[~known].max(axis=1))
