"""The worst mistakes of a model: where it was surest and wrong, or gave the true class least."""

from dataclasses import dataclass

import numpy as np

from training.dataset.entries import PhotoSet

WORST = 20


@dataclass(frozen=True)
class Mistake:
    """A photo by its index in the split, the answer and what the model gave both classes."""

    index: int
    answer: int
    label: int
    answer_probability: float
    label_probability: float


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, most: int = WORST) -> list[Mistake]:
    """Return the wrong answers with the highest loss first; probabilities [N, classes], labels [N]."""
    answers = probabilities.argmax(axis=1)
    true_probabilities = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(true_probabilities[wrong], kind="stable")][:most]
    return [
        Mistake(
            int(index),
            int(answers[index]),
            int(labels[index]),
            float(probabilities[index, answers[index]]),
            float(true_probabilities[index]),
        )
        for index in worst
    ]


def caption(mistake: Mistake, photos: PhotoSet) -> str:
    """Say in two lines what was mistaken for what."""
    name = photos.names[mistake.index].rsplit("/", 1)[-1]
    answer, label = photos.classes[mistake.answer], photos.classes[mistake.label]
    return f"{name}\n{label} {mistake.label_probability:.2f}, taken for {answer} {mistake.answer_probability:.2f}"


def pictures(mistakes: list[Mistake], photos: PhotoSet) -> list[np.ndarray]:
    """Return the photos of the mistakes, UINT8 [S, S, 3] each, as the network saw them."""
    return [photos.pixels[mistake.index].permute(1, 2, 0).numpy() for mistake in mistakes]
