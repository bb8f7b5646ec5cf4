"""Whatever is sent, the answer is JSON of the contract or a problem, and never a fault of the gateway.

`FUZZ_EXAMPLES=20000 pytest tests/unit/gateway/test_fuzz.py` looks longer and at other examples each time.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ImageError
from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from tests.support.pictures import ALL, bottle
from tests.unit.gateway.fakes import FakeClassifier, application, client_of
from tests.unit.gateway.serving import Connection, connected, serving, upload

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
fuzzed = settings(max_examples=EXAMPLES, deadline=None, derandomize="FUZZ_EXAMPLES" not in os.environ)

FILES = {name: write(bottle(48, 32)) for name, write in ALL.items()}
MAX_PIXELS = 1_000_000
Ask = Callable[[bytes, dict[str, str]], httpx.Response]


@st.composite
def damaged(draw: st.DrawFn, wholes: list[bytes]) -> bytes:
    """One of the wholes with bytes changed, cut out, doubled or put in."""
    content = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(("change", "cut", "double", "insert", "truncate"))):
            case "change":
                content[at : at + length] = draw(st.binary(min_size=length, max_size=length))
            case "cut":
                del content[at : at + length]
            case "double":
                content[at:at] = content[at : at + length]
            case "insert":
                content[at:at] = draw(st.binary(max_size=length))
            case "truncate":
                del content[at:]
    return bytes(content)


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with asyncio.Runner() as runner:

        async def begin() -> httpx.AsyncClient:
            return client_of(application(FakeClassifier(), max_pixels=MAX_PIXELS, upload_grace_seconds=2))

        client = runner.run(begin())
        yield lambda body, headers: runner.run(client.post("/raw/predict", content=body, headers=headers))
        runner.run(client.aclose())


def check(response: httpx.Response, *statuses: int) -> None:
    assert response.status_code in statuses, response.text
    document = response.json()
    if response.status_code == 200:
        assert set(document) == {"pred_class", "classes"}
    else:
        assert response.headers["content-type"] == "application/problem+json"
        assert document["status"] == response.status_code
        assert document["detail"]


@fuzzed
@given(body=st.binary(max_size=2000) | damaged([upload(b"photo").partition(b"\r\n\r\n")[2]]))
def test_any_body(ask: Ask, body: bytes) -> None:
    check(ask(body, {"Content-Type": "multipart/form-data; boundary=XX"}), 415, 422)


@fuzzed
@given(content_type=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=100))
def test_any_content_type(ask: Ask, content_type: str) -> None:
    body = upload(b"photo").partition(b"\r\n\r\n")[2]
    check(ask(body, {b"Content-Type": b"multipart/form-data;" + content_type.encode("latin-1")}), 415, 422)  # type: ignore[dict-item]


@fuzzed
@given(photo=damaged(list(FILES.values())))
def test_any_picture(ask: Ask, photo: bytes) -> None:
    body = upload(photo).partition(b"\r\n\r\n")[2]
    check(ask(body, {"Content-Type": "multipart/form-data; boundary=XX"}), 200, 413, 415, 422)


@fuzzed
@given(photo=st.binary(max_size=200) | damaged(list(FILES.values())), kind=st.sampled_from(("jpeg", "png", "x")))
def test_any_raw_body(ask: Ask, photo: bytes, kind: str) -> None:
    check(ask(photo, {"Content-Type": f"image/{kind}"}), 200, 413, 415, 422)


@pytest.mark.parametrize("name", FILES)
@settings(fuzzed, max_examples=max(20, EXAMPLES // 10))
@given(data=st.data())
def test_each_format(name: str, data: st.DataObject) -> None:
    photo = data.draw(damaged([FILES[name]]))

    with contextlib.suppress(ImageError):
        header = inspect(photo, MAX_PIXELS)
        assert header.pixels <= MAX_PIXELS
        to_native(header)


@settings(fuzzed, max_examples=max(20, EXAMPLES // 5))
@given(sent=st.binary(min_size=1, max_size=500) | damaged([upload(FILES["PNG"])]))
def test_any_bytes_on_the_wire(sent: bytes) -> None:
    async def send() -> None:
        settings = {"header_seconds": 0.1, "upload_grace_seconds": 0.1}
        async with serving(FakeClassifier(), **settings) as port, connected(port) as connection:
            connection.send(sent)
            if connection.writer.can_write_eof():
                connection.writer.write_eof()
            await check_answers(connection)

    asyncio.run(send())


async def check_answers(connection: Connection) -> None:
    """Every answer up to the end of the connection."""
    while True:
        try:
            status, headers, document = await connection.answer()
        except asyncio.IncompleteReadError:
            return
        assert status in (200, 400, 404, 405, 408, 413, 415, 422, 431), document
        if status != 200:
            assert headers["content-type"] == "application/problem+json"
