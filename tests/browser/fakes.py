"""A classifier for the page: two models that answer differently, and that a test can make fail or hesitate."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from gateway.triton.types import ModelDescription, Prediction
from gateway.uploads.admission import Permit
from tests.unit.gateway.fakes import LABELS, FakeClassifier

DESCRIPTIONS = json.loads((Path(__file__).resolve().parents[2] / "model_repository" / "classes.json").read_text())
METAL = np.array([0.004, 0.001, 0.002, 0.031, 0.957, 0.005], np.float32)
PLASTIC = np.array([0.19, 0.04, 0.02, 0.43, 0.3, 0.02], np.float32)


class PageClassifier(FakeClassifier):
    """`answers` are each model's probabilities; errors of `first_errors` come before any answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {"raw": PLASTIC, "pretrained": METAL}
        self.first_errors: list[Exception] = []
        self.threshold = 0.6
        self.labels: tuple[str, ...] = LABELS
        self.class_descriptions = DESCRIPTIONS
        #: Of the test split, by the models' cards; None: not measured.
        self.accuracies: dict[str, float | None] = {"raw": 0.7, "pretrained": 0.9}

    async def classify(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        self.asked.append((model, image, timeout_seconds))
        if self.first_errors:
            raise self.first_errors.pop()
        if self.error:
            raise self.error
        return Prediction(self.described()[model], self.answers[model], "1")

    async def explain(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        maps = np.zeros((6, 6, 6), np.float32)
        maps[:, 2:5, 2:4] = 1
        return replace(await self.classify(model, image, timeout_seconds, permit), maps=maps)

    def described(self) -> Mapping[str, ModelDescription]:
        return {
            name: ModelDescription(
                self.labels,
                "0123456789ab",
                self.threshold,
                version_number="1",
                metrics={} if accuracy is None else {"test": {"accuracy": accuracy}},
                places=None if accuracy is None else {"held_out_mean": {"accuracy": accuracy - 0.3}},
                explains=True,
                class_descriptions=self.class_descriptions,
            )
            for name, accuracy in self.accuracies.items()
        }
