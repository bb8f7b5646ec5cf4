import asyncio
import contextlib

import pytest

from gateway.errors import TooManyConcurrent
from gateway.uploads.admission import Admission, UploadMemory
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, application, client_of, problem

PHOTO = encode(bottle(100, 100), "PNG")


def test_requests_are_counted_for_each_model() -> None:
    admission = Admission(max_requests=2, max_decoded_bytes=1000)
    permits = [admission.admit("raw", 1), admission.admit("raw", 1)]
    with pytest.raises(TooManyConcurrent) as refused:
        admission.admit("raw", 1)
    assert refused.value.reason == "requests"
    admission.admit("pretrained", 1)
    permits[0].release()
    permits[0].release()
    admission.admit("raw", 1)
    with pytest.raises(TooManyConcurrent):
        admission.admit("raw", 1)


def test_decoded_bytes_are_counted_over_all_models() -> None:
    admission = Admission(max_requests=10, max_decoded_bytes=100)
    large = admission.admit("raw", 99)
    with pytest.raises(TooManyConcurrent) as refused:
        admission.admit("pretrained", 2)
    assert refused.value.reason == "decoded_bytes"
    admission.admit("pretrained", 1)
    large.release()
    assert admission.decoded_bytes == 1


def test_one_image_alone_always_passes() -> None:
    admission = Admission(max_requests=10, max_decoded_bytes=100)
    huge = admission.admit("raw", 1000)
    with pytest.raises(TooManyConcurrent):
        admission.admit("raw", 1)
    huge.release()
    admission.admit("raw", 1)


def test_the_end_of_the_block_releases() -> None:
    admission = Admission(max_requests=1, max_decoded_bytes=100)
    with contextlib.suppress(RuntimeError), admission.admit("raw", 10):
        assert admission.concurrent_requests["raw"] == 1
        raise RuntimeError
    assert (admission.concurrent_requests["raw"], admission.decoded_bytes) == (0, 0)


def test_who_takes_a_permit_releases_it() -> None:
    admission = Admission(max_requests=1, max_decoded_bytes=100)
    with admission.admit("raw", 10) as permit:
        taken = permit.take()
    permit.release()
    permit.take().release()
    assert (admission.concurrent_requests["raw"], admission.decoded_bytes) == (1, 10)
    taken.release()
    assert (admission.concurrent_requests["raw"], admission.decoded_bytes) == (0, 0)


def test_upload_memory_is_shared_and_given_back() -> None:
    memory = UploadMemory(100)
    with memory.share() as first, memory.share() as second:
        first.grow(60)
        with pytest.raises(TooManyConcurrent) as refused:
            second.grow(41)
        assert refused.value.reason == "upload_bytes"
        second.grow(40)
        assert memory.bytes == 100
    assert memory.bytes == 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_concurrent_requests": 1}, "requests"),
        ({"max_concurrent_decoded_bytes": 30_001}, "decoded_bytes"),
        ({"max_concurrent_upload_bytes": len(PHOTO) + 300}, "upload_bytes"),
    ],
)
async def test_what_is_too_much_is_told_so_at_once(
    classifier: FakeClassifier, settings: dict[str, int], reason: str
) -> None:
    classifier.may_answer.clear()
    async with client_of(application(classifier, **settings)) as client:
        first = asyncio.create_task(client.post("/raw/predict", files={"file": PHOTO}))
        await classifier.was_asked.wait()
        second = await client.post("/raw/predict", files={"file": PHOTO})
        problem(second, 429)
        assert second.headers["retry-after"].isdecimal()
        classifier.may_answer.set()
        assert (await first).status_code == 200
        assert (await client.post("/raw/predict", files={"file": PHOTO})).status_code == 200
        metrics = (await client.get("/metrics")).text
    assert f'gateway_rejected_total{{reason="{reason}"}} 1.0' in metrics


async def test_refusals_take_no_place(classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, max_concurrent_requests=1)) as client:
        for _ in range(3):
            problem(await client.post("/raw/predict", files={"file": PHOTO[: len(PHOTO) // 2]}), 422)
            problem(await client.post("/raw/predict", files={"file": b"no picture"}), 415)
        assert (await client.post("/raw/predict", files={"file": PHOTO})).status_code == 200


async def test_failed_conversions_give_their_place_back(classifier: FakeClassifier) -> None:
    broken = bytearray(encode(bottle(64, 64), "AVIF"))
    broken[len(broken) * 7 // 10 : -1] = bytes(len(broken) - len(broken) * 7 // 10 - 1)
    async with client_of(application(classifier, max_concurrent_requests=1)) as client:
        for _ in range(3):
            problem(await client.post("/raw/predict", files={"file": bytes(broken)}), 422)
        assert (await client.post("/raw/predict", files={"file": encode(bottle(), "GIF")})).status_code == 200
    assert classifier.asked[0][1].startswith(b"BM")
