"""What a network says about a split, and the figures that show it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.dataset.entries import PhotoSet
from training.dataset.specification import Specification
from training.evaluate import figures
from training.evaluate.mistakes import caption, pictures, worst_mistakes
from training.evaluate.report_types import SplitReport
from training.train.engine import predict_logits


@dataclass(frozen=True)
class Predictions:
    """Logits, FP32 [N, classes], and the photos that they are for."""

    logits: torch.Tensor
    photos: PhotoSet

    def probabilities(self, temperature: float) -> np.ndarray:
        """Return probabilities FP64 [N, classes]."""
        return torch.softmax(self.logits.double() / temperature, dim=1).numpy()

    @property
    def labels(self) -> np.ndarray:
        """Return the true classes, INT64 [N]."""
        return self.photos.labels.numpy()


def predict_photos(network: nn.Module, photos: PhotoSet, specification: Specification) -> Predictions:
    """Ask a network about photos that the serving preprocessing made."""
    return Predictions(predict_logits(network, photos.pixels, specification), photos)


def draw_predictions(
    said: Predictions, report: SplitReport, temperature: float, *, title: str, stem: Path
) -> list[Path]:
    """Draw confusion matrix, reliability and worst mistakes; return the files, named ``stem`` and a word."""
    probabilities = said.probabilities(temperature)
    mistakes = worst_mistakes(probabilities, said.labels)
    captions = [caption(mistake, said.photos) for mistake in mistakes]
    drawn = {
        "confusion": figures.draw_confusion(report.confusion, said.photos.classes, title),
        "reliability": figures.draw_reliability(probabilities, said.labels, f"{title}: ECE {report.ece:.3f}"),
        "worst": figures.draw_contact_sheet(pictures(mistakes, said.photos), captions, f"{title}: worst mistakes"),
    }
    paths = []
    for kind, figure in drawn.items():
        paths.append(stem.with_name(f"{stem.name}_{kind}.png"))
        figures.save(figure, paths[-1])
    return paths
