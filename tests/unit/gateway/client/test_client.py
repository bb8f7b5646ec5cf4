"""The Python client against the real gateway, in front of a Triton that misbehaves on request."""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from gateway.client import AsyncClient, Client, Explanation, Model, Photo, Prediction, Refused, Unreachable
from tests.support.fake_triton import LABELS, QUEUE_FULL, Behaviour, FakeTriton, aborting, slow
from tests.support.gateway_on_fake_triton import ServedGateway, gateway_on_fake_triton
from tests.support.pictures import bottle, encode

PHOTO = encode(bottle(), "JPEG")


@pytest.fixture(scope="module")
def served() -> Iterator[ServedGateway]:
    with gateway_on_fake_triton(max_batch_body_bytes=1 << 20, max_body_bytes=1 << 19) as served:
        yield served


@pytest.fixture(autouse=True)
def _well_behaved(served: ServedGateway) -> None:
    served.triton.behaviour = None


@pytest.fixture
def client(served: ServedGateway) -> Iterator[Client]:
    with Client(served.url, patience=20) as client:
        yield client


class InThreads:
    """`Client` with the calls of `AsyncClient`, so that one test holds for both."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def predict(self, *arguments: Any) -> Prediction:
        return await asyncio.to_thread(self._client.predict, *arguments)

    async def explain(self, *arguments: Any, **options: Any) -> Explanation:
        return await asyncio.to_thread(lambda: self._client.explain(*arguments, **options))

    async def models(self) -> list[Model]:
        return await asyncio.to_thread(self._client.models)

    async def predict_batch(self, *arguments: Any) -> AsyncIterator[Prediction | Refused]:
        for result in await asyncio.to_thread(lambda: list(self._client.predict_batch(*arguments))):
            yield result


Asking = InThreads | AsyncClient


@pytest.fixture(params=["threads", "asyncio"])
async def asking(request: pytest.FixtureRequest, served: ServedGateway) -> AsyncIterator[Asking]:
    if request.param == "threads":
        with Client(served.url, patience=20) as client:
            yield InThreads(client)
    else:
        async with AsyncClient(served.url, patience=20) as client:
            yield client


def failing_at_first(times: int, status: grpc.StatusCode, message: str) -> Behaviour:
    """Fails so many inferences, and answers the next ones."""
    left = itertools.count(times, -1)
    fail = aborting(status, message)

    async def behave(photo: bytes, context: Any) -> None:
        if next(left) > 0:
            await fail(photo, context)

    return behave


async def test_answer_is_typed(asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "can.jpg").write_bytes(PHOTO)
    answer = await asking.predict("raw", tmp_path / "can.jpg")
    assert (answer.pred_class, tuple(answer.classes)) == ("metal", LABELS)
    assert answer.confidence == pytest.approx(0.6)
    assert answer.not_sure is False
    assert answer.model_version == "1-0123456789ab"
    assert answer.request_id
    assert answer.file == str(tmp_path / "can.jpg")
    assert (await asking.predict("raw", PHOTO)).file is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.pred_class = "glass"  # type: ignore[misc]


def test_not_sure_is_said_for_one_and_for_many() -> None:
    triton = FakeTriton()
    triton.parameters["confidence_threshold"] = "0.7"
    with gateway_on_fake_triton(triton) as served, Client(served.url) as client:
        assert client.predict("raw", PHOTO).not_sure is True
        (result,) = client.predict_batch("raw", [PHOTO])
        assert isinstance(result, Prediction)
        assert result.not_sure is True


async def test_explanation_is_a_picture(asking: Asking) -> None:
    explanation = await asking.explain("raw", PHOTO, label="glass", layer="heat")
    assert explanation.picture.startswith(b"\x89PNG")
    assert (explanation.explained_class, explanation.model_version) == ("glass", "1-0123456789ab")
    assert (await asking.explain("raw", PHOTO)).explained_class == "metal"


async def test_models_are_typed(asking: Asking) -> None:
    raw, pretrained = await asking.models()
    assert (raw.name, pretrained.name) == ("raw", "pretrained")
    assert (raw.ready, raw.version, raw.classes, raw.explains) == (True, "1-0123456789ab", LABELS, True)
    assert (raw.confidence_threshold, raw.accuracy, raw.held_out_accuracy) == (0.55, None, None)


@pytest.mark.parametrize(
    ("model", "photo", "status", "says"),
    [
        ("resnet", PHOTO, 404, "raw, pretrained"),
        ("raw", b"no photo", 415, "JPEG"),
        ("raw", PHOTO[:-100], 422, "cut off"),
        ("raw", b"x" * (1 << 20), 413, "larger than"),
        ("raw/../raw", PHOTO, 404, "no POST"),
    ],
)
async def test_refusals_are_typed(asking: Asking, model: str, photo: bytes, status: int, says: str) -> None:
    for call in (asking.predict, asking.explain):
        with pytest.raises(Refused) as raised:
            await call(model, photo)
        assert raised.value.status == status
        assert says in raised.value.detail
        assert raised.value.request_id
        assert raised.value.title in str(raised.value)


@pytest.mark.parametrize("failure", [QUEUE_FULL, (grpc.StatusCode.UNAVAILABLE, "connection refused")])
async def test_busy_is_asked_again(served: ServedGateway, asking: Asking, failure: tuple[grpc.StatusCode, str]) -> None:
    served.triton.behaviour = failing_at_first(1, *failure)
    assert (await asking.predict("raw", PHOTO)).pred_class == "metal"
    served.triton.behaviour = failing_at_first(1, *failure)
    assert (await asking.explain("raw", PHOTO)).explained_class == "metal"


async def test_patience_has_an_end(served: ServedGateway) -> None:
    served.triton.behaviour = aborting(*QUEUE_FULL)
    async with AsyncClient(served.url, patience=0.5) as client:  # Retry-After is one second
        with pytest.raises(Refused) as raised:
            await client.predict("raw", PHOTO)
    assert raised.value.status == 429
    before = len(served.triton.inferences)
    with Client(served.url, patience=1.5) as threads, pytest.raises(Refused):
        await asyncio.to_thread(threads.predict, "raw", PHOTO)
    assert len(served.triton.inferences) == before + 2


async def test_batch_answers_each_in_order_and_in_requests_that_fit(asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "can.jpg").write_bytes(PHOTO)
    large = PHOTO + bytes(600_000)  # of which one fits into a form
    photos: list[Photo] = [
        tmp_path / "can.jpg",
        b"no photo",
        large,
        large,
        *[PHOTO] * 40,
        PHOTO + bytes(2 << 20),
        PHOTO[:-100],
    ]
    results = [result async for result in asking.predict_batch("raw", photos)]
    assert len(results) == len(photos)
    kinds = [result.status if isinstance(result, Refused) else result.pred_class for result in results]
    assert kinds == ["metal", 415, "metal", "metal", *["metal"] * 40, 413, 422]
    assert results[0].file == str(tmp_path / "can.jpg")
    assert isinstance(results[0], Prediction)
    assert results[0].model_version == "1-0123456789ab"


async def test_busy_photos_of_a_batch_are_asked_again(served: ServedGateway, asking: Asking) -> None:
    served.triton.behaviour = failing_at_first(2, *QUEUE_FULL)
    results = [result async for result in asking.predict_batch("raw", [PHOTO] * 5)]
    assert [isinstance(result, Prediction) for result in results] == [True] * 5


async def test_batch_for_an_unknown_model_ends(asking: Asking) -> None:
    with pytest.raises(Refused):
        _ = [result async for result in asking.predict_batch("resnet", [PHOTO])]


async def test_cancelled_call_ends_the_request(served: ServedGateway) -> None:
    served.triton.behaviour = slow(60)
    async with AsyncClient(served.url) as client:
        call = asyncio.create_task(client.predict("raw", PHOTO))
        await asyncio.sleep(0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    gone = 'outcome="client_gone",status="408"'
    async with asyncio.timeout(20), httpx.AsyncClient() as other:
        while gone not in (await other.get(f"{served.url}/metrics")).text:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "localhost:8080", "ftp://localhost", "http://", "http://[::1"])
async def test_nobody_there_is_named(url: str) -> None:
    with pytest.raises(Unreachable, match=r"(?i)no "), Client(url, patience=0) as client:
        client.predict("raw", PHOTO)
    with pytest.raises(Unreachable, match=r"(?i)no "):
        async with AsyncClient(url, patience=0) as waiting:
            await waiting.models()
