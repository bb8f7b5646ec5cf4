"""Where several rows of the table of statuses apply, the first one wins."""

import pytest

from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, application, client_of, problem

PHOTO = encode(bottle(), "PNG")
KEYS = {"X-API-Key": "right"}
NONSENSE = {"X-Request-Timeout": "soon"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("POST", "/nowhere/predict", {}, b"x" * 2000, 401),
        ("GET", "/raw/predict", {}, b"", 401),
        ("POST", "/nowhere/predict", KEYS, b"x" * 2000, 404),
        ("PUT", "/raw/predict", KEYS, b"x" * 2000, 405),
        ("POST", "/raw/predict", KEYS, b"no form at all, and too large " * 100, 413),
        ("POST", "/raw/predict", KEYS, b"no form at all", 422),
        ("POST", "/raw/predict", KEYS | NONSENSE, b"too large " * 200, 413),
        ("POST", "/raw/explain?layer=none", KEYS | NONSENSE, b"too large " * 200, 413),
        ("POST", "/raw/predict/batch", KEYS | NONSENSE, b"too large " * 200, 413),
    ],
)
async def test_first_row_wins(
    classifier: FakeClassifier, method: str, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    async with client_of(
        application(classifier, api_keys="right", max_body_bytes=1024, max_batch_body_bytes=1024)
    ) as client:
        problem(await client.request(method, path, headers=headers, content=content), status)
    assert not classifier.asked


async def test_pixel_limit_comes_before_truncation(classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, max_pixels=100)) as client:
        problem(await client.post("/raw/predict", files={"file": PHOTO[: len(PHOTO) // 2]}), 413)
    async with client_of(application(classifier)) as client:
        problem(await client.post("/raw/predict", files={"file": PHOTO[: len(PHOTO) // 2]}), 422)
    assert not classifier.asked
