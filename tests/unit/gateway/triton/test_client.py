"""The client against a server of Triton's protocol that misbehaves on request."""

import asyncio
from collections.abc import Callable

import grpc
import pytest

from gateway import errors
from gateway.triton.client import TritonClassifier
from gateway.uploads.admission import Admission
from tests.support.fake_triton import (
    DAMAGED_ERROR,
    NATIVE_DECODE_ERROR,
    OWN_DECODE_ERROR,
    PROBABILITIES,
    QUEUE_FULL,
    STUB_DEAD,
    FakeTriton,
    aborting,
    slow,
)
from tests.unit.gateway.fakes import permit


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (conditions of all kinds, none of which tells when it changes)
            await asyncio.sleep(0.02)


async def test_labels_version_and_threshold_are_learned(triton: FakeTriton, classifier: TritonClassifier) -> None:
    prediction = await classifier.classify("raw", b"photo", 5, permit())
    assert prediction.model.labels == triton.labels
    assert prediction.probabilities.tolist() == pytest.approx(PROBABILITIES)
    assert prediction.model_version == "1-0123456789ab"
    assert prediction.model.confidence_threshold == 0.55


async def test_configuration_without_parameters_is_enough(triton: FakeTriton, classifier: TritonClassifier) -> None:
    triton.parameters = {}
    prediction = await classifier.classify("raw", b"photo", 5, permit())
    assert (prediction.model_version, prediction.model.confidence_threshold) == ("1", None)
    assert prediction.model.places is None


async def test_other_places_are_learned(triton: FakeTriton, classifier: TritonClassifier) -> None:
    triton.parameters["places"] = '{"held_out_mean":{"accuracy":0.5}}'
    prediction = await classifier.classify("raw", b"photo", 5, permit())
    assert prediction.model.places == {"held_out_mean": {"accuracy": 0.5}}


async def test_names_and_advice_of_the_classes_are_learned(triton: FakeTriton, classifier: TritonClassifier) -> None:
    assert (await classifier.classify("raw", b"photo", 5, permit())).model.class_descriptions == {}
    triton.parameters["class_descriptions"] = '{"glass":{"names":{"uk":"скло"}}}'
    await triton.stop()
    await triton.start()
    await until(lambda: bool(classifier.described().get("raw") and classifier.described()["raw"].class_descriptions))
    assert classifier.described()["raw"].class_descriptions == {"glass": {"names": {"uk": "скло"}}}


@pytest.mark.parametrize("finds_damage", [True, False])
async def test_whether_triton_finds_damage_is_learned_again_and_again(
    triton: FakeTriton, classifier: TritonClassifier, finds_damage: bool
) -> None:
    triton.finds_damage = finds_damage
    await until(lambda: len(classifier.described()) == 2)
    assert {each.finds_damage for each in classifier.described().values()} == {finds_damage}
    assert sorted(triton.damaged) == ["pretrained", "raw"]
    triton.finds_damage = not finds_damage  # as another server of the same name
    await until(lambda: {each.finds_damage for each in classifier.described().values()} == {not finds_damage})


async def test_triton_says_what_is_damaged(triton: FakeTriton, classifier: TritonClassifier) -> None:
    await until(lambda: bool(classifier.described().get("raw")))
    triton.behaviour = aborting(*DAMAGED_ERROR)
    told = r"^The JPEG file is cut off or damaged \(Corrupt JPEG data: 24 extraneous .*\)\. Send the original file\.$"
    with pytest.raises(errors.BrokenImage, match=told):
        await classifier.classify("raw", b"photo", 5, permit())


async def test_model_without_labels_is_not_learned(triton: FakeTriton, classifier: TritonClassifier) -> None:
    triton.classified = 0
    with pytest.raises(errors.ModelUnavailable):
        await classifier.classify("raw", b"photo", 5, permit())
    assert not classifier.described()


async def test_labels_are_asked_for_once(triton: FakeTriton, classifier: TritonClassifier) -> None:
    await until(lambda: all(classifier.readiness().values()))
    await asyncio.gather(*(classifier.classify("raw", b"photo", 5, permit()) for _ in range(20)))
    assert sorted(triton.classifications) == ["pretrained", "raw"]
    assert triton.inferences == ["raw"] * 20


async def test_labels_are_learned_again_after_a_reconnect(triton: FakeTriton, classifier: TritonClassifier) -> None:
    await classifier.classify("raw", b"photo", 5, permit())
    await triton.stop()
    with pytest.raises(errors.ModelUnavailable):
        await classifier.classify("raw", b"photo", 5, permit())
    triton.labels = tuple(reversed(triton.labels))
    await triton.start()

    async def answered() -> tuple[str, ...]:
        while True:
            try:
                return (await classifier.classify("raw", b"photo", 5, permit())).model.labels
            except errors.ModelUnavailable:
                await asyncio.sleep(0.1)

    assert await asyncio.wait_for(answered(), 20) == triton.labels


async def test_readiness_follows_the_server(triton: FakeTriton, classifier: TritonClassifier) -> None:
    assert not any(classifier.readiness().values())
    await until(lambda: all(classifier.readiness().values()))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (QUEUE_FULL, errors.QueueFull),
        (OWN_DECODE_ERROR, errors.BrokenImage),
        (NATIVE_DECODE_ERROR, errors.BrokenImage),
        (STUB_DEAD, errors.ModelUnavailable),
        ((grpc.StatusCode.UNAVAILABLE, "Server is stopping, scheduler for model has stopped"), errors.ModelUnavailable),
        ((grpc.StatusCode.NOT_FOUND, "Request for unknown model: 'raw' is not found"), errors.ModelUnavailable),
        ((grpc.StatusCode.INTERNAL, "something nobody has seen"), errors.ModelUnavailable),
        ((grpc.StatusCode.DEADLINE_EXCEEDED, ""), errors.DeadlineExceeded),
        (
            (grpc.StatusCode.UNKNOWN, NATIVE_DECODE_ERROR[1].replace("'#17'", "CUDA allocation failed")),
            errors.ModelUnavailable,
        ),
    ],
)
async def test_errors_of_triton_are_translated(
    triton: FakeTriton,
    classifier: TritonClassifier,
    answer: tuple[grpc.StatusCode, str],
    expected: type[errors.GatewayError],
) -> None:
    await until(lambda: all(classifier.readiness().values()))
    triton.behaviour = aborting(*answer)
    with pytest.raises(expected):
        await classifier.classify("raw", b"photo", 5, permit())


async def test_batch_that_failed_for_anothers_sake_is_tried_again_alone(
    triton: FakeTriton, classifier: TritonClassifier
) -> None:
    """As NVIDIA's backend behaves: while a bad image is under way, every other one fails with it."""
    await until(lambda: all(classifier.readiness().values()))
    running: list[bytes] = []
    together: list[int] = []
    everyone = asyncio.Event()

    async def one_fails_all(image: bytes, context: grpc.aio.ServicerContext[object, object]) -> None:
        running.append(image)
        if len(running) == 16:
            everyone.set()
        await everyone.wait()
        together.append(len(running))
        has_bad_image = b"bad" in running
        await asyncio.sleep(0.01)
        running.remove(image)
        if has_bad_image:
            await context.abort(*NATIVE_DECODE_ERROR)

    triton.behaviour = one_fails_all
    photos = [b"good"] * 7 + [b"bad"] + [b"good"] * 8
    answers = await asyncio.gather(
        *(classifier.classify("raw", photo, 20, permit()) for photo in photos), return_exceptions=True
    )
    assert [type(answer).__name__ for answer in answers] == (["Prediction"] * 7 + ["BrokenImage"] + ["Prediction"] * 8)
    assert len(triton.inferences) == 32
    assert together[-16:] == [1] * 16


async def test_deadline_cancels_the_call(triton: FakeTriton, classifier: TritonClassifier) -> None:
    await until(lambda: all(classifier.readiness().values()))
    triton.behaviour = slow(30)
    admission = Admission(10, 10)
    with pytest.raises(errors.DeadlineExceeded, match=r"0\.2 seconds"), admission.admit("raw", 1) as place:
        await classifier.classify("raw", b"photo", 0.2, place)
    assert admission.concurrent_requests["raw"] == 1  # Triton may be at work on it still
    triton.behaviour = None
    await classifier.classify("raw", b"photo", 20, permit())
    assert admission.concurrent_requests["raw"] == 0


async def test_connection_that_breaks_under_a_request(triton: FakeTriton, classifier: TritonClassifier) -> None:
    await until(lambda: all(classifier.readiness().values()))
    triton.behaviour = slow(30)
    waiting = asyncio.create_task(classifier.classify("raw", b"photo", 20, permit()))
    await until(lambda: bool(triton.inferences))
    await triton.stop()
    with pytest.raises(errors.ModelUnavailable):
        await waiting
    triton.behaviour = None
    await triton.start()


async def test_what_is_no_answer_of_a_server_ends_a_request_too(classifier: TritonClassifier) -> None:
    await classifier.classify("raw", b"photo", 5, permit())
    await classifier._channel.close()
    with pytest.raises(grpc.aio.UsageError):
        await classifier.classify("raw", b"photo", 5, permit())
    assert classifier._calls._waiting["raw"] == 0


async def test_nobody_listening() -> None:
    classifier = TritonClassifier("127.0.0.1:9", ("raw",))
    await classifier.start()
    with pytest.raises(errors.ModelUnavailable):
        await classifier.classify("raw", b"photo", 5, permit())
    assert classifier.readiness() == {"raw": False}
    await classifier.close()
