import httpx
import pytest

from tests.unit.gateway.fakes import FakeClassifier, problem


async def test_live_whatever_triton_does(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.models_ready = {"raw": False, "pretrained": False}
    assert (await client.get("/health/live")).json() == {"status": "live"}


async def test_ready_while_every_model_answers(client: httpx.AsyncClient) -> None:
    response = await client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "models": ["raw", "pretrained"]}
    assert response.headers["cache-control"] == "no-store"


async def test_not_ready_names_the_silent_model(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.models_ready = {"raw": True, "pretrained": False}
    document = problem(await client.get("/health/ready"), 503)
    assert "pretrained" in document["detail"]
    assert "raw" not in document["detail"]


async def test_polling_causes_no_inference(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    for _ in range(20):
        await client.get("/health/ready")
    assert classifier.asked == []


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/models"])
async def test_head_answers_as_get_does_without_a_body(client: httpx.AsyncClient, path: str) -> None:
    response = await client.head(path)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


async def test_head_of_the_metrics(client: httpx.AsyncClient) -> None:
    response = await client.head("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")


async def test_head_says_not_ready_too(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.models_ready = {"raw": False}
    assert (await client.head("/health/ready")).status_code == 503
