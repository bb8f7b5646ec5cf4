"""Reading an upload message by message, as a server hands it over."""

import asyncio
import dataclasses
from collections.abc import Iterable, MutableMapping
from typing import Any

import pytest

from gateway.errors import BodyTooLarge, ClientGone, EncodedBody, MalformedUpload, TooManyConcurrent, UploadTimeout
from gateway.uploads.admission import UploadMemory
from gateway.uploads.multipart import UploadedFile
from gateway.uploads.reader import UploadLimits, read_files

MEMORY = UploadMemory(100_000)
LIMITS = UploadLimits(MEMORY, max_body_bytes=10_000, grace_seconds=5, bytes_per_second=1_000_000)
FORM = {"content-type": "multipart/form-data; boundary=XX"}


def part(name: str, content: bytes, *headers: bytes) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="photo.jpg"'.encode()
    return b"--XX\r\n" + b"\r\n".join([disposition, *headers]) + b"\r\n\r\n" + content + b"\r\n"


END = b"--XX--\r\n"


def chunks(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


async def read(pieces: Iterable[bytes], headers: dict[str, str] = FORM, limits: UploadLimits = LIMITS) -> bytes:
    (file,) = await read_all(pieces, headers, limits)
    return file.content


async def read_all(pieces: Iterable[bytes], headers: dict[str, str], limits: UploadLimits) -> list[UploadedFile]:
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> MutableMapping[str, Any]:
        return next(waiting)

    return await read_files(receive, headers, limits, UploadMemory(100_000).share())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
async def test_any_cut_into_pieces_gives_the_same_file(size: int) -> None:
    content = b"--XX is no boundary here, nor is \r\n--XY" + bytes(range(256))
    body = (
        part("other", b"dropped") + part("file", content, b"Content-Type: image/jpeg") + part("last", b"dropped") + END
    )
    assert await read(chunks(body, size)) == content


@pytest.mark.parametrize("preamble", [b"\r\n", b"This is a form.\r\n", b"--XY\r\n\r\n--YXX\r\n", b"--\n"])
@pytest.mark.parametrize("epilogue", [b"", b"epilogue", b"\r\n--XX\r\nno part"])
async def test_preamble_and_epilogue_are_ignored(preamble: bytes, epilogue: bytes) -> None:
    assert await read([preamble + part("file", b"abc") + END + epilogue]) == b"abc"


async def test_lines_may_end_with_lf_alone() -> None:
    body = part("other", b"x").replace(b"\r\n", b"\n") + part("file", b"?").replace(b"\r\n", b"\n") + b"--XX--\n"
    assert await read([body.replace(b"?", b"a\r\nb\r")]) == b"a\r\nb\r"
    with pytest.raises(MalformedUpload, match="no field"):
        await read([body.replace(b'"file"', b'"name"')])


async def test_lf_alone_ends_no_line_where_cr_and_lf_do() -> None:
    assert await read([part("file", b"one\n--XX\ntwo") + END]) == b"one\n--XX\ntwo"


@pytest.mark.parametrize("blanks", [b" ", b"\t \t"])
async def test_blanks_may_stand_behind_a_boundary(blanks: bytes) -> None:
    body = part("other", b"x") + part("file", b"abc") + END
    assert await read([body.replace(b"XX\r\n", b"XX" + blanks + b"\r\n").replace(b"XX--", b"XX--" + blanks)]) == b"abc"


@pytest.mark.parametrize("content", [b"", b"\r\n", b"\r\n\r\n", b"-", b"--", b"\r\n--", b"\r\n--X", b"\n", b"\r"])
async def test_content_ends_where_the_boundary_begins(content: bytes) -> None:
    assert await read([part("file", b"a" + content) + END]) == b"a" + content
    assert await read([part("other", content) + part("file", b"abc") + END]) == b"abc"


@pytest.mark.parametrize(
    ("disposition", "is_file"),
    [
        ('form-data; name="file"', True),
        ("form-data; name=file", True),
        ('form-data; NAME = "file" ; filename="x"', True),
        (r'form-data; filename="a\"; name=\"b"; name="file"', True),
        ('form-data; filename="; name=file"; name="other"', False),
        ('form-data; name="File"', False),
        ('form-data; name="file" ', True),
        ("form-data", False),
    ],
)
async def test_name_of_the_field(disposition: str, is_file: bool) -> None:
    body = f"--XX\r\ncontent-DISPOSITION:{disposition}\r\n\r\nabc\r\n--XX--".encode()
    if is_file:
        assert await read([body]) == b"abc"
    else:
        with pytest.raises(MalformedUpload, match="no field"):
            await read([body])


@pytest.mark.parametrize(
    "content_type", ['multipart/form-data; boundary="XX"', "Multipart/Form-Data;BOUNDARY=XX; charset=utf-8"]
)
async def test_ways_to_write_the_boundary(content_type: str) -> None:
    assert await read([part("file", b"abc") + END], {"content-type": content_type}) == b"abc"


async def test_field_without_a_file_name_counts() -> None:
    assert await read([b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--XX--\r\n']) == b"abc"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no line with its boundary"),
        (END, "no field"),
        (part("photo", b"abc") + END, "no field"),
        (part("file", b"") + END, "empty"),
        (part("file", b"a") + part("file", b"b") + END, "two fields"),
        (part("file", b"abc"), "closing boundary"),
        (part("file", b"abc")[:30], "malformed, cut off"),
        (b"--XX\n", "malformed, cut off"),
        (b"--XX", "no line with its boundary"),
        (b"--XX--", "no field"),
        (part("file", b"abc") + END.replace(b"\r\n", b"")[:-1], "closing boundary"),
        (part("file", b"a\r\n--XXy" * 1100) + END, "content has too"),
        (b"--XX\r\nContent-Disposition\r\n\r\nabc\r\n--XX--\r\n", "malformed"),
        (b"not a form", "malformed"),
        (b"".join(part(f"field{number}", b"x") for number in range(17)) + END, "more than 16 parts"),
        (part("file", b"abc", *[b"X-Many: 1"] * 20) + END, "malformed"),
        (part("file", b"abc", b"X-Long: " + b"y" * 5000) + END, "malformed"),
        (b"--XX\r\nX-No-Disposition: 1\r\n\r\nabc\r\n--XX--\r\n", "no field"),
    ],
)
@pytest.mark.parametrize("size", [5, 10_000])
async def test_malformed_forms(body: bytes, says: str, size: int) -> None:
    with pytest.raises(MalformedUpload, match=says):
        await read(chunks(body, size))


@pytest.mark.parametrize(
    "content_type",
    [None, "", "image", "imagery/jpeg", "application/x-www-form-urlencoded",
     "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=XX",
     "multipart/form-data; boundary=" + "x" * 300, "text/plain; boundary=XX"],
)  # fmt: skip
async def test_other_content_types(content_type: str | None) -> None:
    with pytest.raises(MalformedUpload, match="boundary"):
        await read([part("file", b"abc"), END], {} if content_type is None else {"content-type": content_type})


PHOTO = {"content-type": "image/jpeg"}
MANY = dataclasses.replace(LIMITS, max_files=3)


@pytest.mark.parametrize("content_type", ["image/jpeg", "Image/PNG; charset=binary", "application/octet-stream"])
@pytest.mark.parametrize("size", [1, 10_000])
async def test_body_may_be_the_file_itself(content_type: str, size: int) -> None:
    content = part("file", b"a form is no photo, but its bytes are not looked at here") + END
    assert await read_all(chunks(content, size), {"content-type": content_type}, LIMITS) == [
        UploadedFile(None, content)
    ]


async def test_raw_body_has_the_limits_of_a_form() -> None:
    with pytest.raises(BodyTooLarge):
        await read([b"x" * 1000] * 11, PHOTO)
    with pytest.raises(MalformedUpload, match=r"empty.*--data-binary @photo.jpg"):
        await read([], PHOTO)
    with pytest.raises(EncodedBody):
        await read([b"x"], PHOTO | {"content-encoding": "gzip"})
    with pytest.raises(TooManyConcurrent):
        await read([b"x" * 1000] * 101, PHOTO, dataclasses.replace(LIMITS, max_body_bytes=1 << 30))


async def test_raw_body_is_no_batch() -> None:
    with pytest.raises(MalformedUpload, match=r"-F file=@one.jpg -F file=@two.jpg") as raised:
        await read_all([b"photo"], PHOTO, MANY)
    assert "--data-binary" not in str(raised.value)


@pytest.mark.parametrize("limits", [LIMITS, MANY])
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=XX"])
async def test_wrong_body_is_told_the_line_that_works(limits: UploadLimits, content_type: str) -> None:
    with pytest.raises(MalformedUpload, match=r"curl URL -F file=@"):
        await read_all([b"photo"], {"content-type": content_type}, limits)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="a b;c.jpg"', "a b;c.jpg"),
        ('form-data; name="file"; filename="Müll, 塵.jpg"', "Müll, 塵.jpg"),
        (r'form-data; name="file"; filename="a\"b.jpg"', 'a"b.jpg'),
        ('form-data; name="file"', None),
        ('form-data; name="file"; filename=""', ""),
    ],
)
async def test_files_have_their_names(disposition: str, name: str | None) -> None:
    body = f"--XX\r\nContent-Disposition: {disposition}\r\n\r\nabc\r\n--XX--".encode()
    assert await read_all([body], FORM, MANY) == [UploadedFile(name, b"abc")]


async def test_name_that_is_no_text_or_endless_is_made_one() -> None:
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="\xff' + b"y" * 1000 + b'"\r\n\r\nabc\r\n--XX--'
    )
    (file,) = await read_all([body], FORM, MANY)
    assert file.name == "\N{REPLACEMENT CHARACTER}" + "y" * 254


async def test_declared_length_over_the_limit_is_refused_unread() -> None:
    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("nothing may be read")

    with pytest.raises(BodyTooLarge):
        await read_files(receive, FORM | {"content-length": "10001"}, LIMITS, MEMORY.share())


@pytest.mark.parametrize("headers", [FORM, {"content-type": "text/plain"}, FORM | {"content-length": "5"}])
async def test_bytes_are_counted_whatever_was_declared(headers: dict[str, str]) -> None:
    with pytest.raises(BodyTooLarge):
        await read([b"x" * 1000] * 11, headers)


async def test_malformed_form_that_is_too_large_is_called_too_large() -> None:
    with pytest.raises(BodyTooLarge):
        await read([b"not a form", *[b"x" * 1000] * 11])


async def test_client_that_hangs_up() -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await read_files(receive, FORM, LIMITS, MEMORY.share())


async def test_slow_client_is_cut_off_and_an_honest_slow_one_is_not() -> None:
    def drip(content: bytes, pause: float) -> Any:
        pieces = iter(chunks(content, 1))

        async def receive() -> MutableMapping[str, Any]:
            await asyncio.sleep(pause)
            piece = next(pieces, b"")
            return {"type": "http.request", "body": piece, "more_body": bool(piece)}

        return receive

    body = part("file", b"abc") + END
    with pytest.raises(UploadTimeout, match="bytes arrived"):
        await read_files(drip(body, 0.05), FORM, UploadLimits(MEMORY, 10_000, 0.2, 1_000_000), MEMORY.share())
    # Each byte earns a second here: the same pace is fast enough.
    assert await read_files(drip(body, 0.005), FORM, UploadLimits(MEMORY, 10_000, 0.2, 1), MEMORY.share()) == [
        UploadedFile("photo.jpg", b"abc")
    ]


async def test_silent_client_is_cut_off() -> None:
    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(3600)
        raise AssertionError

    with pytest.raises(UploadTimeout):
        await read_files(receive, FORM, UploadLimits(MEMORY, 10_000, 0.05, 1), MEMORY.share())


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip", "GZIP"])
async def test_compressed_bodies_are_called_so(encoding: str) -> None:
    with pytest.raises(EncodedBody, match=encoding):
        await read([b"\x1f\x8b compressed"], FORM | {"content-encoding": encoding})
    with pytest.raises(BodyTooLarge):
        await read([b"x" * 1000] * 11, FORM | {"content-encoding": encoding})


async def test_identity_is_no_encoding() -> None:
    assert await read([part("file", b"abc") + END], FORM | {"content-encoding": "identity"}) == b"abc"
