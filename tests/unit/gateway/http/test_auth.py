import httpx
import pytest

from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, application, client_of, problem

PHOTO = encode(bottle(), "PNG")


@pytest.fixture
def guarded(classifier: FakeClassifier) -> httpx.AsyncClient:
    return client_of(application(classifier, api_keys="first-key, second-key"))


@pytest.mark.parametrize(
    "headers", [{"X-API-Key": "first-key"}, {"X-API-Key": "second-key"}, {"Authorization": "Bearer second-key"}]
)
async def test_each_key_opens(guarded: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await guarded.post("/raw/predict", files={"file": PHOTO}, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "first-ke"}, {"X-API-Key": ""}, {"Authorization": "Basic first-key"}, {"X-API-Key": "é"}],
)
async def test_nothing_else_does(
    guarded: httpx.AsyncClient, classifier: FakeClassifier, headers: dict[str, str]
) -> None:
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    response = await guarded.post("/raw/predict", files={"file": PHOTO}, headers=raw)
    problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert not classifier.asked


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/docs", "/openapi.json"])
async def test_probes_and_documentation_stay_open(guarded: httpx.AsyncClient, path: str) -> None:
    assert (await guarded.get(path)).status_code == 200


async def test_without_keys_everything_is_open(client: httpx.AsyncClient) -> None:
    assert (await client.post("/raw/predict", files={"file": PHOTO})).status_code == 200


def test_keys_do_not_show_in_settings(classifier: FakeClassifier) -> None:
    app = application(classifier, api_keys="first-key")
    assert "first-key" not in repr(app.user_middleware)
