import os
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.gateway.fakes import FakeClassifier, application, client_of


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")] + ["TRITON_URL", "PORT"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def classifier() -> FakeClassifier:
    return FakeClassifier()


@pytest.fixture
async def client(classifier: FakeClassifier) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(application(classifier)) as client:
        yield client
