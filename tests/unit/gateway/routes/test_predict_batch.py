"""POST /{model_type}/predict/batch over a fake classifier."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway import errors
from gateway.triton.types import Prediction
from gateway.uploads.admission import Permit
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import LABELS, FakeClassifier, application, client_of, problem
from tests.unit.gateway.serving import serving

PHOTO = encode(bottle(), "JPEG")
PATH = "/raw/predict/batch"


def form(*photos: bytes) -> list[tuple[str, bytes]]:
    return [("file", photo) for photo in photos]


async def until_asked(classifier: FakeClassifier, count: int) -> None:
    for _ in range(1000):
        if len(classifier.asked) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"only {len(classifier.asked)} were asked")


async def test_an_answer_or_a_problem_for_each_in_their_order(
    client: httpx.AsyncClient, classifier: FakeClassifier
) -> None:
    classifier.threshold = 0.7
    response = await client.post(PATH, files=form(PHOTO, b"no photo", PHOTO[:-100], b"", PHOTO))
    assert response.status_code == 200
    assert response.headers["x-model-version"] == "1-0123456789ab"
    assert response.headers["server-timing"].startswith("total;dur=")
    first, *failed, last = response.json()["results"]
    assert first == last
    assert first["not_sure"] is True
    assert list(first["prediction"]) == ["pred_class", "classes"]
    assert (first["prediction"]["pred_class"], list(first["prediction"]["classes"])) == ("metal", list(LABELS))
    assert [result["problem"]["status"] for result in failed] == [415, 422, 415]
    assert {result["problem"]["request_id"] for result in failed} == {response.headers["x-request-id"]}
    assert [image for _, image, _ in classifier.asked] == [PHOTO, PHOTO]


async def test_results_have_the_names_of_the_files(client: httpx.AsyncClient) -> None:
    files = [("file", ("Müll.jpg", PHOTO)), ("file", ("notes.txt", b"no photo")), ("file", ("Müll.jpg", PHOTO))]
    results = (await client.post(PATH, files=files)).json()["results"]
    assert [result["file"] for result in results] == ["Müll.jpg", "notes.txt", "Müll.jpg"]
    body = b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + PHOTO + b"\r\n--XX--\r\n"
    response = await client.post(PATH, content=body, headers={"Content-Type": "multipart/form-data; boundary=XX"})
    assert [result["file"] for result in response.json()["results"]] == [None]


async def test_raw_body_is_told_the_form_for_many(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, content=PHOTO, headers={"Content-Type": "image/jpeg"})
    assert "curl URL -F file=@one.jpg -F file=@two.jpg" in problem(response, 422)["detail"]


LINES = {"Accept": "application/x-ndjson"}


def named(**photos: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (name, photo)) for name, photo in photos.items()]


class HoldingBack(FakeClassifier):
    """Keeps the answer to one photo back until the test wants it."""

    def __init__(self, held: bytes) -> None:
        super().__init__()
        self.held = held
        self.may_answer.clear()

    async def classify(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        if image == self.held:
            return await super().classify(model, image, timeout_seconds, permit)
        self.may_answer, event = asyncio.Event(), self.may_answer
        self.may_answer.set()
        try:
            return await super().classify(model, image, timeout_seconds, permit)
        finally:
            self.may_answer = event


async def test_lines_come_before_the_last_answer_is_there() -> None:
    held = encode(bottle(), "PNG")
    classifier = HoldingBack(held)
    async with serving(classifier) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        files = named(late=held, first=PHOTO, broken=PHOTO[:-100])
        async with client.stream("POST", PATH, files=files, headers=LINES) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "application/x-ndjson"
            lines = response.aiter_lines()
            early = [json.loads(await anext(lines)) for _ in range(2)]
            classifier.may_answer.set()
            late = [json.loads(line) async for line in lines]
    by_name = {line["file"]: line for line in early}
    assert set(by_name) == {"first", "broken"}
    assert by_name["first"]["prediction"]["pred_class"] == "metal"
    assert (by_name["first"]["index"], by_name["first"]["not_sure"]) == (1, False)
    assert by_name["broken"]["problem"]["status"] == 422
    assert by_name["broken"]["problem"]["request_id"] == response.headers["x-request-id"]
    assert [(line["index"], line["file"]) for line in late] == [(0, "late")]


async def test_lines_are_the_results_of_the_json_answer(client: httpx.AsyncClient) -> None:
    files = named(a=PHOTO, b=b"no photo", c=PHOTO)
    whole = (await client.post(PATH, files=files)).json()["results"]
    response = await client.post(PATH, files=files, headers=LINES)
    lines = sorted((json.loads(line) for line in response.text.splitlines()), key=lambda line: line["index"])
    assert response.text.endswith("\n")
    for result, line in zip(whole, lines, strict=True):
        line.pop("index")
        for each in (result, line):
            each.get("problem", {}).pop("request_id", None)
        assert line == result
    metrics = (await client.get("/metrics")).text
    assert 'gateway_requests_total{model="raw",outcome="ok",status="200",version="1-0123456789ab"} 2.0' in metrics
    assert 'gateway_predictions_total{class="metal",model="raw",version="1-0123456789ab"} 4.0' in metrics


@pytest.mark.parametrize(
    ("accept", "lines"),
    [
        ("application/x-ndjson", True),
        ("Application/X-NDJSON;q=0.5, text/html", True),
        ("application/json;q=0.5, application/x-ndjson", True),
        ("application/json, application/x-ndjson;q=0.9", False),
        ("application/x-ndjson;q=0", False),
        ("application/x-ndjson;q=much", False),
        ("*/*", False),
        ("", False),
    ],
)
async def test_lines_are_for_who_asks_for_them(client: httpx.AsyncClient, accept: str, lines: bool) -> None:
    response = await client.post(PATH, files=named(a=PHOTO), headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == ("application/x-ndjson" if lines else "application/json")


@pytest.mark.parametrize(
    ("options", "status"),
    [({"content": b"no form"}, 422), ({"files": named(a=b"x" * 30_000)}, 413), ({"files": named(a=PHOTO)}, 500)],
)
async def test_errors_before_the_first_line_are_problem_documents(
    classifier: FakeClassifier, options: dict[str, Any], status: int
) -> None:
    classifier.error = RuntimeError("secret detail")
    async with client_of(application(classifier, max_batch_body_bytes=20_000)) as client:
        problem(await client.post(PATH, headers=LINES, **options), status)


async def test_client_that_hangs_up_between_two_lines_ends_the_work() -> None:
    held = encode(bottle(), "PNG")
    classifier = HoldingBack(held)
    files = named(late=held, first=PHOTO)
    async with serving(classifier) as port:
        url = f"http://127.0.0.1:{port}"
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", url + PATH, files=files, headers=LINES) as lines,
        ):
            await anext(lines.aiter_lines())
        async with asyncio.timeout(20):
            await classifier.was_cancelled.wait()
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{url}/metrics")).text
    assert 'outcome="client_gone",status="200"' in metrics


async def test_thirty_two_and_no_more(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    response = await client.post(PATH, files=form(*[PHOTO] * 32))
    assert len(response.json()["results"]) == len(classifier.asked) == 32
    assert "more than 32" in problem(await client.post(PATH, files=form(*[PHOTO] * 33)), 422)["detail"]


async def test_few_at_once(classifier: FakeClassifier) -> None:
    classifier.may_answer.clear()
    async with client_of(application(classifier)) as client:
        answering = asyncio.create_task(client.post(PATH, files=form(*[PHOTO] * 20)))
        await until_asked(classifier, 8)
        await asyncio.sleep(0.05)
        assert len(classifier.asked) == 8
        classifier.may_answer.set()
        assert len((await answering).json()["results"]) == 20


async def test_errors_of_the_classifier_belong_to_the_photos(
    client: httpx.AsyncClient, classifier: FakeClassifier
) -> None:
    classifier.error = errors.QueueFull()
    results = (await client.post(PATH, files=form(PHOTO, PHOTO))).json()["results"]
    assert [result["problem"]["status"] for result in results] == [429, 429]
    metrics = (await client.get("/metrics")).text
    assert 'gateway_rejected_total{reason="triton_queue"} 2.0' in metrics


async def test_faults_are_no_answer(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.error = RuntimeError("secret detail")
    assert "secret" not in problem(await client.post(PATH, files=form(PHOTO)), 500)["detail"]


async def test_deadline_is_that_of_the_whole_request(classifier: FakeClassifier) -> None:
    classifier.may_answer.clear()
    async with client_of(application(classifier)) as client:
        asking = asyncio.create_task(client.post(PATH, files=form(*[PHOTO] * 9), headers={"X-Request-Timeout": "0.2"}))
        await until_asked(classifier, 8)
        await asyncio.sleep(0.4)
        classifier.may_answer.set()
        results = (await asking).json()["results"]
    assert results[8]["problem"]["status"] == 504
    assert all(0 < seconds <= 0.2 for _, _, seconds in classifier.asked)


async def test_every_answer_is_counted(client: httpx.AsyncClient) -> None:
    await client.post(PATH, files=form(PHOTO, PHOTO, b"no photo"))
    metrics = (await client.get("/metrics")).text
    assert 'gateway_predictions_total{class="metal",model="raw",version="1-0123456789ab"} 2.0' in metrics
    assert 'gateway_requests_total{model="raw",outcome="ok",status="200",version="1-0123456789ab"} 1.0' in metrics


async def test_limits_and_model_types(classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, max_batch_body_bytes=2048)) as client:
        problem(await client.post(PATH, files=form(b"x" * 3000)), 413)
        problem(await client.post("/resnet/predict/batch", files=form(PHOTO)), 404)
        problem(await client.post(PATH, content=b"no form"), 422)
        problem(await client.get(PATH), 405)
