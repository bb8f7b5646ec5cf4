from collections.abc import AsyncIterator

import pytest

from gateway.triton.client import TritonClassifier
from tests.support.fake_triton import FakeTriton


@pytest.fixture
async def triton() -> AsyncIterator[FakeTriton]:
    server = FakeTriton()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def classifier(triton: FakeTriton) -> AsyncIterator[TritonClassifier]:
    classifier = TritonClassifier(f"127.0.0.1:{triton.port}", ("raw", "pretrained"))
    await classifier.start()
    yield classifier
    await classifier.close()
