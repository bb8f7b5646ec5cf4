"""A classifier without a Triton, and short ways to ask the application."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI

from gateway.app import create_app
from gateway.settings import Settings
from gateway.triton.types import DriftReference, ModelDescription, Prediction
from gateway.uploads.admission import Admission, Permit

LABELS = ("glass", "paper", "cardboard", "plastic", "metal", "trash")


class FakeClassifier:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.probabilities = np.array([0.1, 0.05, 0.05, 0.1, 0.6, 0.1], np.float32)
        self.threshold: float | None = None
        self.maps = np.zeros((6, 3, 3), np.float32)
        self.reference: DriftReference | None = None
        self.class_descriptions: Mapping[str, Mapping[str, Any]] = {}
        self.finds_damage = False
        self.models_ready: Mapping[str, bool] = {"raw": True, "pretrained": True}
        self.asked: list[tuple[str, bytes, float]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.was_asked = asyncio.Event()
        self.was_cancelled = asyncio.Event()

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def classify(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        self.asked.append((model, image, timeout_seconds))
        self.was_asked.set()
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        if self.error is not None:
            raise self.error
        return Prediction(ModelDescription(LABELS, "0123456789ab", self.threshold), self.probabilities, "1")

    async def explain(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        prediction = await self.classify(f"{model}_explain", image, timeout_seconds, permit)
        return replace(prediction, maps=self.maps)

    def described(self) -> Mapping[str, ModelDescription]:
        metrics = {"test": {"accuracy": 0.75}}
        places = {"held_out_mean": {"accuracy": 0.5}}
        known = ModelDescription(
            LABELS,
            "0123456789ab",
            self.threshold,
            self.reference,
            "1",
            metrics,
            explains=True,
            places=places,
            class_descriptions=self.class_descriptions,
            finds_damage=self.finds_damage,
        )
        return {"raw": known}

    def readiness(self) -> Mapping[str, bool]:
        return self.models_ready


def permit(model: str = "raw") -> Permit:
    """A request's place, in an admission of its own."""
    return Admission(1, 1).admit(model, 1)


def application(classifier: FakeClassifier, **settings: Any) -> FastAPI:
    """The application as it is with these settings, and with nothing from the environment of the test run."""
    return create_app(Settings(**settings), classifier)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client that calls the application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://gateway")


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a response, checked for what every one must have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response.headers["x-request-id"]
    return document
