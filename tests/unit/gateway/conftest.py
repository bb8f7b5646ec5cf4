import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.triton.channel import outgoing_trace
from gateway.triton.types import Prediction
from tests.unit.gateway.fakes import FakeClassifier, application, client_of


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")] + ["TRITON_URL", "PORT"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def classifier() -> FakeClassifier:
    return FakeClassifier()


@pytest.fixture
def traces_handed_on(classifier: FakeClassifier, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What each call of the classifier would hand on to Triton, in turn."""
    seen: list[object] = []
    original = classifier.classify

    async def classify(*arguments: Any) -> Prediction:
        seen.append(outgoing_trace.get())
        return await original(*arguments)

    monkeypatch.setattr(classifier, "classify", classify)
    return seen


@pytest.fixture
async def client(classifier: FakeClassifier) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(application(classifier)) as client:
        yield client
