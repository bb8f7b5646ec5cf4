import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog

from gateway.triton.channel import outgoing_trace
from gateway.triton.types import Prediction
from tests.unit.gateway.fakes import FakeClassifier, application, client_of


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")] + ["TRITON_URL", "PORT"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _plain_tracebacks() -> None:
    """The default draws every variable of every frame: ten seconds for each fault that a test provokes."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


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
