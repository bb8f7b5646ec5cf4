"""POST /{model_type}/predict/batch over a fake classifier."""

import asyncio

import httpx

from gateway import errors
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import LABELS, FakeClassifier, application, client_of, problem

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
