"""HTTP on a real socket: what is malformed, too slow, too large, too many, early or late."""

import asyncio

import pytest

from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier
from tests.unit.gateway.serving import connected, serving, upload

PHOTO = encode(bottle(), "JPEG", quality=95)
HEAD = b"POST /raw/predict HTTP/1.1\r\nHost: gateway\r\nContent-Type: multipart/form-data; boundary=XX\r\n"


async def test_connection_is_kept_for_many_requests(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        for _ in range(30):
            connection.send(upload(PHOTO))
            assert (await connection.answer())[0] == 200


@pytest.mark.parametrize("size", [50_000, 300_000])
async def test_large_bodies_do_not_count_as_heads(classifier: FakeClassifier, size: int) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        for _ in range(3):
            head, _, body = upload(PHOTO + bytes(size)).partition(b"\r\n\r\n")
            for piece in (head + b"\r\n\r\n", body[: size // 2], body[size // 2 :]):
                connection.send(piece)
                await connection.writer.drain()
                await asyncio.sleep(0.01)
            assert (await connection.answer())[0] == 200


async def test_pipelined_requests_are_answered_in_order(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(upload(PHOTO) + upload(b"no picture") + upload(PHOTO) + upload(PHOTO, "/nothing/predict"))
        assert [(await connection.answer())[0] for _ in range(4)] == [200, 415, 200, 404]


@pytest.mark.parametrize("size", [1, 13, 1000])
async def test_request_in_small_pieces(classifier: FakeClassifier, size: int) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        data = upload(encode(bottle(64, 64), "JPEG"))
        for start in range(0, len(data), size):
            connection.send(data[start : start + size])
            await asyncio.sleep(0)
        assert (await connection.answer())[0] == 200


async def test_chunked_body(classifier: FakeClassifier) -> None:
    body = upload(PHOTO).partition(b"\r\n\r\n")[2]
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(body), 1000):
            piece = body[start : start + 1000]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        assert (await connection.answer())[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"not http\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"POST /raw/predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /raw/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /raw/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnot a length\r\n",
    ],
)
async def test_malformed_http_is_a_problem_too(classifier: FakeClassifier, data: bytes) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(data)
        await connection.problem(400)
        assert await connection.ended()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nX-Endless: " + b"a" * 400_000,
        b"GET /health/live HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 101 + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-Trailer: 1\r\n" * 101 + b"\r\n",
    ],
)
async def test_heads_are_bounded(classifier: FakeClassifier, head: bytes) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(head)
        await connection.problem(431)
        assert await connection.ended()


async def test_slow_heads_are_cut_off(classifier: FakeClassifier) -> None:
    async with serving(classifier, header_seconds=0.3) as port:
        async with connected(port) as silent:
            await silent.problem(408)
            assert await silent.ended()
        async with connected(port) as dripping:
            dripping.send(b"GET /health/live HTTP/1.1\r\nX-Slow: ")
            await dripping.problem(408)
        async with connected(port) as second_request:
            second_request.send(upload(PHOTO))
            assert (await second_request.answer())[0] == 200
            second_request.send(b"GET /health")
            await second_request.problem(408)


async def test_slow_bodies_are_cut_off(classifier: FakeClassifier) -> None:
    async with serving(classifier, upload_grace_seconds=0.3) as port, connected(port) as connection:
        connection.send(upload(PHOTO)[:-100])
        document = await connection.problem(408)
        assert "bytes arrived" in document["detail"]


async def test_length_that_lies(classifier: FakeClassifier) -> None:
    async with serving(classifier, upload_grace_seconds=0.3) as port:
        async with connected(port) as too_long:
            too_long.send(upload(PHOTO).replace(b"Content-Length: ", b"Content-Length: 9"))
            await too_long.problem(408)
        async with connected(port) as too_short:
            too_short.send(HEAD + b"Content-Length: 10\r\n\r\n" + upload(PHOTO).partition(b"\r\n\r\n")[2])
            await too_short.problem(400)  # the rest of the body is no request


async def test_one_connection_too_many(classifier: FakeClassifier) -> None:
    async with serving(classifier, max_connections=1) as port, connected(port) as first:
        first.send(upload(PHOTO))
        assert (await first.answer())[0] == 200
        async with connected(port) as second:
            await second.problem(503)
            assert await second.ended()
        first.send(upload(PHOTO))
        assert (await first.answer())[0] == 200


async def test_early_refusal_reaches_a_client_that_sends_on(classifier: FakeClassifier) -> None:
    """The answer comes while the body is still being sent, and is not lost to a reset."""
    async with serving(classifier, max_body_bytes=100_000) as port, connected(port) as connection:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(200):
            connection.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await connection.writer.drain()
        connection.send(b"0\r\n\r\n")
        await connection.problem(413)
        assert await connection.ended()


async def test_declared_length_over_the_limit_is_refused_before_any_byte(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n")
        await connection.problem(413)


async def test_client_is_told_to_go_on_where_it_asks(classifier: FakeClassifier) -> None:
    head, _, body = upload(PHOTO).partition(b"\r\n\r\n")
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert (await connection.answer())[0] == 200


async def test_hanging_up_cancels_the_inference(classifier: FakeClassifier) -> None:
    classifier.may_answer.clear()
    async with serving(classifier) as port:
        async with connected(port) as connection:
            connection.send(upload(PHOTO))
            await asyncio.wait_for(classifier.was_asked.wait(), 20)
        await asyncio.wait_for(classifier.was_cancelled.wait(), 20)


@pytest.mark.parametrize("more", [0, 1000])
async def test_hanging_up_after_a_large_upload_cancels_the_inference(classifier: FakeClassifier, more: int) -> None:
    """uvicorn stops to read while much of a body waits; whoever does not read on never sees the end."""
    classifier.may_answer.clear()
    head, _, body = upload(PHOTO + bytes(300_000)).partition(b"\r\n\r\n")
    async with serving(classifier) as port:
        async with connected(port) as connection:
            connection.send(head + b"\r\n\r\n")
            await asyncio.sleep(0.05)
            connection.send(body[: len(body) - more])
            await asyncio.sleep(0.05)
            connection.send(body[len(body) - more :] + upload(PHOTO)[:more])
            await asyncio.wait_for(classifier.was_asked.wait(), 20)
        await asyncio.wait_for(classifier.was_cancelled.wait(), 20)


async def test_hanging_up_during_the_upload_asks_nobody(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port:
        async with connected(port) as connection:
            connection.send(upload(PHOTO)[:-100])
        async with connected(port) as connection:
            connection.send(upload(PHOTO))
            assert (await connection.answer())[0] == 200
    assert len(classifier.asked) == 1


async def test_hanging_up_tells_every_request_of_a_pipeline(
    classifier: FakeClassifier, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier.may_answer.clear()
    async with serving(classifier) as port:
        async with connected(port) as connection:
            connection.send(upload(PHOTO) * 3)
            await asyncio.wait_for(classifier.was_asked.wait(), 20)
        await asyncio.wait_for(classifier.was_cancelled.wait(), 20)
        classifier.may_answer.set()
        async with connected(port) as connection:
            connection.send(upload(PHOTO))
            assert (await connection.answer())[0] == 200
    assert len(classifier.asked) == 2
    assert "Exception" not in capfd.readouterr().err


async def test_pipelines_are_bounded(classifier: FakeClassifier) -> None:
    """Each request that waits takes memory, and one read may hold ten thousand of them."""
    classifier.may_answer.clear()
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(upload(PHOTO) + b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        _, headers, document = await connection.answer()
        assert document["status"] == 429
        assert headers["retry-after"] == "1"
        assert await connection.ended()


UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")


@pytest.mark.parametrize("size", [1, 7, 100, 1_000_000])
@pytest.mark.parametrize(
    "headers", [UPGRADE, ("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")]
)
async def test_upgrades_are_ignored_and_the_request_is_served(
    classifier: FakeClassifier, headers: tuple[str, ...], size: int
) -> None:
    """Java's HttpClient asks for h2c with every request; a server may ignore it (RFC 9110, section 7.8)."""
    photo = encode(bottle(64, 64), "JPEG")
    data = upload(photo, "/raw/predict", *headers) * 2 + upload(photo)
    async with serving(classifier) as port, connected(port) as connection:
        for start in range(0, len(data), size):
            connection.send(data[start : start + size])
            await asyncio.sleep(0)
        for _ in range(3):
            status, answered, _ = await connection.answer()
            assert status == 200
            assert "upgrade" not in answered
    assert [image for _, image, _ in classifier.asked] == [photo] * 3


async def test_upgrade_with_a_chunked_body_and_without_one(classifier: FakeClassifier) -> None:
    body = upload(PHOTO).partition(b"\r\n\r\n")[2]
    head = HEAD + "\r\n".join(UPGRADE).encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    get = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with serving(classifier) as port, connected(port) as connection:
        connection.send(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + get)
        assert (await connection.answer())[0] == 200
        assert (await connection.answer())[2] == {"status": "live"}
        assert await connection.ended()


async def test_limits_hold_for_heads_that_ask_for_an_upgrade(classifier: FakeClassifier) -> None:
    async with serving(classifier) as port:
        async with connected(port) as connection:
            connection.send(upload(PHOTO, "/raw/predict", *UPGRADE, *["X-Many: 1"] * 101))
            await connection.problem(431)
        async with connected(port) as connection:
            connection.send(b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            await connection.problem(400)
        async with connected(port) as connection:
            connection.send(upload(PHOTO, "/raw/predict", *UPGRADE)[:-100])
    assert not classifier.asked
