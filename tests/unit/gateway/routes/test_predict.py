"""The contract of POST /{model_type}/predict, over a fake classifier."""

import httpx
import numpy as np
import pytest
from PIL import Image

from gateway import errors
from imaging.jpeg import with_extraneous_bytes
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import LABELS, FakeClassifier, application, client_of, problem

PHOTO = encode(bottle(), "JPEG")


async def test_answer_has_exactly_the_two_keys(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    response = await client.post("/raw/predict", files={"file": ("photo.jpg", PHOTO, "image/jpeg")})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["pred_class", "classes"]
    assert answer["pred_class"] == "metal"
    assert list(answer["classes"]) == list(LABELS)
    assert answer["classes"]["metal"] == pytest.approx(0.6)
    assert sum(answer["classes"].values()) == pytest.approx(1, abs=1e-3)
    model, image, _ = classifier.asked[0]
    assert (model, image) == ("raw", PHOTO)


async def test_headers_say_the_rest(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.threshold = 0.7
    response = await client.post(
        "/pretrained/predict", files={"file": PHOTO}, headers={"X-Request-ID": "from-camera.7"}
    )
    assert response.headers["x-request-id"] == "from-camera.7"
    assert response.headers["x-model-version"] == "1-0123456789ab"
    assert response.headers["x-confidence"] == "low"
    stages = [entry.partition(";dur=") for entry in response.headers["server-timing"].split(", ")]
    assert [stage for stage, _, _ in stages] == ["validate", "triton", "total"]
    assert all(float(milliseconds) >= 0 for _, _, milliseconds in stages)


async def test_sure_answers_carry_no_confidence_header(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.threshold = 0.5
    response = await client.post("/raw/predict", files={"file": PHOTO})
    assert "x-confidence" not in response.headers


@pytest.mark.parametrize("given", ["", "a" * 129, "two words", "line\\n", "é"])
async def test_insane_request_ids_are_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/health/live", headers={b"X-Request-ID": given.encode()})
    assert response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 16


async def test_declared_type_and_name_are_not_trusted(client: httpx.AsyncClient) -> None:
    response = await client.post("/raw/predict", files={"file": ("page.html", PHOTO, "text/html")})
    assert response.status_code == 200
    response = await client.post("/raw/predict", files={"file": ("photo.jpg", b"<html></html>", "image/jpeg")})
    problem(response, 415)


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "application/octet-stream"])
async def test_body_may_be_the_photo_itself(
    client: httpx.AsyncClient, classifier: FakeClassifier, content_type: str
) -> None:
    headers = {"Content-Type": content_type, "X-Request-ID": "camera-7"}
    response = await client.post("/raw/predict", content=PHOTO, headers=headers)
    assert response.status_code == 200, response.text
    form = await client.post("/raw/predict", files={"file": PHOTO})
    assert response.content == form.content
    assert response.headers["x-request-id"] == "camera-7"
    assert [image for _, image, _ in classifier.asked] == [PHOTO, PHOTO]


@pytest.mark.parametrize(
    ("content", "content_type", "status", "says"),
    [
        (b"photo.jpg", "image/jpeg", 415, "curl URL --data-binary @photo.jpg -H 'content-type: image/jpeg'"),
        (b"photo.jpg", "image/jpeg", 415, "curl URL -F file=@photo.jpg"),
        (b"", "image/jpeg", 422, "curl URL --data-binary @photo.jpg"),
        (PHOTO, "application/x-www-form-urlencoded", 422, "curl URL -F file=@photo.jpg"),
        (PHOTO, "application/json", 422, "curl URL --data-binary @photo.jpg -H 'content-type: image/jpeg'"),
        (PHOTO.replace(b"\n", b"").replace(b"\r", b""), "image/jpeg", 422, "-d leaves line ends out"),
    ],
)
async def test_wrong_bodies_are_told_the_line_that_works(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int, says: str
) -> None:
    response = await client.post("/raw/predict", content=content, headers={"Content-Type": content_type})
    assert says in problem(response, status)["detail"]


async def test_broken_photo_in_a_form_is_told_nothing_of_raw_bodies(client: httpx.AsyncClient) -> None:
    detail = problem(await client.post("/raw/predict", files={"file": PHOTO[:-100]}), 422)["detail"]
    assert "curl" not in detail


async def test_limits_of_raw_bodies_are_those_of_forms(classifier: FakeClassifier) -> None:
    raw = {"Content-Type": "image/jpeg"}
    async with client_of(application(classifier, max_body_bytes=1024, max_pixels=100)) as client:
        problem(await client.post("/raw/predict", content=b"x" * 2000, headers=raw), 413)
        problem(await client.post("/raw/predict", content=encode(bottle(20, 10), "PNG"), headers=raw), 413)
        problem(await client.post("/resnet/predict", content=PHOTO, headers=raw), 404)
    async with client_of(application(classifier, max_concurrent_upload_bytes=1024)) as client:
        problem(await client.post("/raw/predict", content=b"x" * 2000, headers=raw), 429)
    assert not classifier.asked


async def test_unknown_model_type_names_the_known(client: httpx.AsyncClient) -> None:
    response = await client.post("/resnet/predict", files={"file": PHOTO})
    assert "raw, pretrained" in problem(response, 404)["detail"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/raw/predict", 405), ("GET", "/nothing", 404)])
async def test_router_refuses_with_problems(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    response = await client.request(method, path)
    assert "POST /raw/predict" in problem(response, status)["detail"]
    if status == 405:
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.QueueFull(), 429),
        (errors.TooManyConcurrent("requests"), 429),
        (errors.ModelUnavailable("raw"), 503),
        (errors.BatchFailed("The batch failed."), 503),
        (errors.DeadlineExceeded(10), 504),
        (errors.BrokenImage("The image cannot be decoded."), 422),
        (errors.InvalidAnswer("secret detail"), 500),
        (RuntimeError("secret detail"), 500),
    ],
)
async def test_errors_of_the_classifier_become_problems(
    client: httpx.AsyncClient, classifier: FakeClassifier, error: Exception, status: int
) -> None:
    classifier.error = error
    response = await client.post("/raw/predict", files={"file": PHOTO})
    assert "secret" not in problem(response, status)["detail"]
    assert ("retry-after" in response.headers) == (status in (429, 503))
    if status in (429, 503):
        assert int(response.headers["retry-after"]) >= 1


async def test_damage_is_looked_for_where_triton_does_not(
    client: httpx.AsyncClient, classifier: FakeClassifier
) -> None:
    damaged = with_extraneous_bytes(encode(bottle(), "JPEG"))
    detail = problem(await client.post("/raw/predict", files={"file": damaged}), 422)["detail"]
    assert "cut off or damaged (Corrupt JPEG data: " in detail
    assert not classifier.asked
    classifier.finds_damage = True
    large = with_extraneous_bytes(encode(bottle(2016, 1512), "JPEG"))
    without_end = encode(bottle(), "JPEG")[:-2]
    for file in (damaged, large, without_end):
        await client.post("/raw/predict", files={"file": file})
        assert classifier.asked[-1][1] == file


@pytest.mark.parametrize(
    "probabilities",
    [
        [0.5, 0.1, 0.1, 0.1, 0.1, 0.0],
        [np.nan, 1, 0, 0, 0, 0],
        [np.inf, 0, 0, 0, 0, 0],
        [1.0],
        [-1, 2, 0, 0, 0, 0],
    ],
)
async def test_what_is_no_probability_is_never_passed_on(
    client: httpx.AsyncClient, classifier: FakeClassifier, probabilities: list[float]
) -> None:
    classifier.probabilities = np.array(probabilities, np.float32)
    problem(await client.post("/raw/predict", files={"file": PHOTO}), 500)


async def test_limits_follow_the_settings(classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, max_body_bytes=1024, max_pixels=100)) as client:
        assert problem(await client.post("/raw/predict", files={"file": b"x" * 2000}), 413)["title"] == "Body too large"
        small = encode(bottle(20, 10), "PNG")
        assert problem(await client.post("/raw/predict", files={"file": small}), 413)["title"] == "Image too large"


async def test_compressed_body_gets_415_that_names_it(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    response = await client.post("/raw/predict", files={"file": PHOTO}, headers={"Content-Encoding": "gzip"})
    document = problem(response, 415)
    assert "Content-Encoding" in document["title"]
    assert "'gzip'" in document["detail"]
    assert not classifier.asked


async def test_limit_of_the_settings_may_be_above_pillows(
    classifier: FakeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above 179 million pixels Pillow's own limit once answered that the file cannot be decoded."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    async with client_of(application(classifier)) as client:
        assert (await client.post("/raw/predict", files={"file": encode(bottle(), "GIF")})).status_code == 200
