"""The table of statuses in its order, before the real server: each request breaks later rows too."""

import time

import httpx
import pytest

from tests.support.exif import ENDLESS, jpeg, png, webp
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import StartGateway
from tests.support.running_triton import RunningTriton

pytestmark = pytest.mark.e2e
PHOTO = encode(bottle(), "PNG")
FORM = {"Content-Type": "multipart/form-data; boundary=XX"}
KEY = {"X-API-Key": "key-one"}


def form(*files: bytes, end: bytes = b"--XX--\r\n") -> bytes:
    parts = [b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + file + b"\r\n" for file in files]
    return b"".join(parts) + end


def test_the_first_that_applies_wins(triton: RunningTriton, start_gateway: StartGateway) -> None:
    gateway = start_gateway(
        triton.grpc_url, api_keys="key-one,key-two", max_body_bytes=50_000, max_pixels=100_000, upload_grace_seconds=1
    )
    large, huge = form(b"no picture" * 10_000), encode(bottle(400, 300), "PNG")
    rows = [
        ("POST", "/nothing/predict", {}, large, 401),
        ("POST", "/raw/predict", {"X-API-Key": "key-none"}, form(PHOTO), 401),
        ("POST", "/raw/predict", {"Authorization": "Bearer key-two"}, form(PHOTO), 200),
        ("POST", "/nothing/predict", KEY, large, 404),
        ("POST", "/nothing", KEY, large, 404),
        ("PUT", "/raw/predict", KEY, large, 405),
        ("POST", "/raw/predict", KEY, large + b"and no end", 413),
        ("POST", "/raw/predict", KEY, form(huge[: len(huge) // 2]), 413),
        ("POST", "/raw/predict", KEY, form(PHOTO, b"no picture"), 422),
        ("POST", "/raw/predict", KEY, form(b""), 422),
        ("POST", "/raw/predict", KEY, form(PHOTO, end=b""), 422),
        ("POST", "/raw/predict", KEY, form(PHOTO[: len(PHOTO) // 2]), 422),
        ("POST", "/raw/predict", KEY, form(b"no picture"), 415),
        ("POST", "/raw/predict", KEY | {"X-Request-Timeout": "0.000001"}, form(b"no picture"), 415),
        ("POST", "/raw/predict", KEY | {"X-Request-Timeout": "0.000001"}, form(PHOTO), 504),
        ("POST", "/raw/predict", KEY, form(PHOTO), 200),
    ]
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        for method, path, headers, body, status in rows:
            response = client.request(method, path, headers=FORM | headers, content=body)
            assert response.status_code == status, (method, path, status, response.text)
            if status != 200:
                assert response.headers["content-type"] == "application/problem+json"
                assert response.json()["request_id"] == response.headers["x-request-id"]

    def dripping() -> object:
        for _ in range(50):
            yield b"x"
            time.sleep(0.1)

    slow = httpx.post(f"{gateway.url}/raw/predict", headers=FORM | KEY, content=dripping(), timeout=60)  # type: ignore[arg-type]
    assert (slow.status_code, slow.json()["title"]) == (408, "Upload too slow")
    log = gateway.log.read_text()
    assert "key-" not in log


def test_where_triton_is_away_what_is_wrong_with_a_request_is_said_first(start_gateway: StartGateway) -> None:
    gateway = start_gateway("127.0.0.1:1", wait="/health/live", deadline_seconds=5)
    for body, status in ((form(b"no picture"), 415), (form(PHOTO[: len(PHOTO) // 2]), 422), (form(PHOTO), 503)):
        response = httpx.post(f"{gateway.url}/raw/predict", headers=FORM, content=body, timeout=30)
        assert response.status_code == status, response.text
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("write", [jpeg, png, webp])
def test_a_picture_that_kills_the_decoder_does_not_reach_it(client: httpx.Client, write: object) -> None:
    assert callable(write)
    assert client.post("/raw/predict", files={"file": write(bottle(), ENDLESS)}).status_code == 200
    assert client.post("/raw/predict", files={"file": PHOTO}).status_code == 200


@pytest.mark.parametrize("value", [b"00-\xff\xfe-01", b"nonsense", b"00-" + b"0" * 200])
def test_a_trace_context_that_is_none_is_no_fault_of_ours(client: httpx.Client, value: bytes) -> None:
    headers = {b"traceparent": value, b"tracestate": b"\xff\x80"}
    assert client.post("/raw/predict", files={"file": PHOTO}, headers=list(headers.items())).status_code == 200
