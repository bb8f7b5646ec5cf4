"""What a network says about a list of photos, and the figures that show it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training import figures
from training.dataset import PhotoSet
from training.engine import predict_logits
from training.mistakes import caption, pictures, worst_mistakes
from training.reports import ListReport
from training.specification import Specification


@dataclass(frozen=True)
class Answers:
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


def answer(network: nn.Module, photos: PhotoSet, specification: Specification) -> Answers:
    """Ask a network about photos that the serving preprocessing made."""
    return Answers(predict_logits(network, photos.pixels, specification), photos)


def draw_answers(said: Answers, report: ListReport, temperature: float, *, title: str, stem: Path) -> list[Path]:
    """Draw confusion matrix, reliability and worst mistakes, and return the files, ``stem`` and a word in each name."""
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
