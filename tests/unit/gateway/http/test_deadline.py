import httpx
import pytest

from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, problem

PHOTO = encode(bottle(), "PNG")


async def test_deadline_of_the_settings(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    await client.post("/raw/predict", files={"file": PHOTO})
    assert 9 < classifier.asked[0][2] <= 10


@pytest.mark.parametrize(("asked", "given"), [("1.5", 1.5), ("7", 7), ("3600", 10)])
async def test_client_may_ask_for_less(
    client: httpx.AsyncClient, classifier: FakeClassifier, asked: str, given: float
) -> None:
    await client.post("/raw/predict", files={"file": PHOTO}, headers={"X-Request-Timeout": asked})
    assert given - 1 < classifier.asked[0][2] <= given


async def test_no_time_at_all_is_called_by_its_name(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    response = await client.post("/raw/predict", files={"file": PHOTO}, headers={"X-Request-Timeout": "1e-9"})
    assert "within 1e-09 seconds" in problem(response, 504)["detail"]
    assert not classifier.asked


@pytest.mark.parametrize("asked", ["0", "-1", "nan", "inf", "soon", ""])
async def test_nonsense_is_refused(client: httpx.AsyncClient, classifier: FakeClassifier, asked: str) -> None:
    response = await client.post("/raw/predict", files={"file": PHOTO}, headers={"X-Request-Timeout": asked})
    assert "X-Request-Timeout" in problem(response, 422)["detail"]
    assert not classifier.asked
