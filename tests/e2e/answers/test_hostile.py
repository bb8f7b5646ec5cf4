"""Uploads that mean no good: each gets its own status and changes nobody else's answer."""

import asyncio
from typing import Any

import httpx
import pytest

from scripts.benchmarks.load.hostile import Hostile, hostile_uploads
from scripts.benchmarks.load.isolation import run
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.e2e
UPLOADS = hostile_uploads(bottle())
FORM = {"Content-Type": "multipart/form-data; boundary=----bin-it-right"}


@pytest.mark.parametrize("upload", UPLOADS, ids=lambda upload: upload.name)
@pytest.mark.parametrize("model", ["raw", "pretrained"])
def test_each_has_its_status(client: httpx.Client, upload: Hostile, model: str) -> None:
    response = client.post(f"/{model}/predict", content=upload.body, headers=FORM)
    assert response.status_code == upload.status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_polyglot_is_the_picture_that_it_starts_as(client: httpx.Client) -> None:
    photo = encode(bottle(), "JPEG")
    expected = client.post("/raw/predict", files={"file": photo}).json()
    behind = photo + b"PK\x03\x04<script>alert(1)</script>"
    assert client.post("/raw/predict", files={"file": behind}).json() == expected


def test_good_answers_stay_right_among_bad_ones(gateway: RunningGateway) -> None:
    photos = [encode(bottle(200 + 20 * number, 300), "JPEG", quality=60 + number) for number in range(20)]
    result: dict[str, Any] = asyncio.run(
        run(gateway.url, "raw", photos, requests=500, concurrency=64, bad_share=0.2, seed=1)
    )
    assert result["wrong"] == 0, result["first_wrong"]
    assert result["good_right"] > 300
    assert result["bad_refused"] > 50


def test_nothing_of_an_upload_is_logged(gateway: RunningGateway, client: httpx.Client) -> None:
    client.post("/raw/predict", files={"file": ("secret-name.jpg", b"secret-content")})
    client.post("/raw/predict", files={"file": ("secret-name.jpg", encode(bottle(), "JPEG") + b"secret-content")})
    assert "secret-" not in gateway.log.read_text()
