"""What browsers get to see: security headers, and what other origins may do."""

import httpx
import pytest

from tests.unit.gateway.fakes import FakeClassifier, application, client_of


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/metrics", "/openapi.json", "/docs"])
async def test_security_headers_are_everywhere(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    if path != "/docs":
        assert "script-src" not in policy


async def test_other_origins_are_kept_out_by_default(client: httpx.AsyncClient) -> None:
    response = await client.get("/health/live", headers={"Origin": "https://elsewhere.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_configured_origins_may_call_and_read_problems(classifier: FakeClassifier) -> None:
    app = application(classifier, cors_origins="https://bins.example", api_keys="key")
    async with client_of(app) as client:
        preflight = await client.options(
            "/raw/predict",
            headers={
                "Origin": "https://bins.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "X-API-Key",
            },
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://bins.example"
        refused = await client.post("/raw/predict", headers={"Origin": "https://bins.example"})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://bins.example"
        assert "X-Request-ID" in refused.headers["access-control-expose-headers"]
        other = await client.get("/health/live", headers={"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in other.headers
