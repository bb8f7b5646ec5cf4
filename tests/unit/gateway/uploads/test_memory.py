"""Uploads are gone as soon as they are answered, without waiting for the garbage collector."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest
from PIL import Image

from gateway import errors
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier
from tests.unit.gateway.serving import connected, serving, upload

MEGABYTE = 1_000_000
PHOTO = encode(bottle(), "JPEG")


@pytest.fixture
def traced() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.mark.parametrize(
    ("content", "error", "status"),
    [
        (PHOTO, None, 200),
        (b"", None, 415),
        (PHOTO, errors.BrokenImage("broken"), 422),
        (PHOTO, errors.QueueFull(), 429),
        (PHOTO, errors.ModelUnavailable("raw"), 503),
        (encode(bottle(), "GIF"), errors.DeadlineExceeded(1), 504),
        (encode(bottle(), "GIF")[:600], None, 422),
        (encode(Image.new("1", (20_000, 4000)), "PNG"), None, 413),
    ],
)
@pytest.mark.usefixtures("traced")
async def test_answered(classifier: FakeClassifier, content: bytes, error: Exception | None, status: int) -> None:
    classifier.error = error
    async with serving(classifier) as port, connected(port) as connection:
        data = upload(content + bytes(MEGABYTE))
        for number in range(12):
            connection.send(data)
            assert (await connection.answer())[0] == status
            classifier.asked.clear()
            if error is not None:
                error.__traceback__ = None  # the fake raises one and the same
            if number == 1:
                before, _ = tracemalloc.get_traced_memory()
        after, _ = tracemalloc.get_traced_memory()
    assert after - before < 3 * MEGABYTE


@pytest.mark.usefixtures("traced")
async def test_never_finished(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port:
        data = upload(bytes(MEGABYTE))
        for number in range(12):
            async with connected(port) as connection:
                connection.send(data[:-10])
                await connection.writer.drain()
            async with connected(port) as connection:
                connection.send(upload(PHOTO))
                assert (await connection.answer())[0] == 200
            classifier.asked.clear()
            if number == 1:
                before, _ = tracemalloc.get_traced_memory()
        after, _ = tracemalloc.get_traced_memory()
    assert after - before < 3 * MEGABYTE


@pytest.mark.usefixtures("traced")
async def test_malformed(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        data = upload(bytes(MEGABYTE)).replace(b"\r\n--XX--", b"\r\n--XX\n-")
        for number in range(12):
            connection.send(data)
            assert (await connection.answer())[0] == 422
            if number == 1:
                before, _ = tracemalloc.get_traced_memory()
        after, _ = tracemalloc.get_traced_memory()
    assert after - before < 3 * MEGABYTE
