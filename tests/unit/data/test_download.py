"""Downloads against a made-up server: resumed, restarted, refused; archives that are whole or not."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from data.download import download, unpack

URL = "https://example.org/files/set.zip"
BODY = bytes(range(256)) * 4000


def _client(handler: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(handler))


def _body(status: int, content: bytes, length: int | None = None) -> httpx2.Response:
    """An answer that has yet to be read, of the length that it announces or another."""
    headers = {"Content-Length": str(len(content) if length is None else length)}
    return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(content))


def _server(request: httpx2.Request) -> httpx2.Response:
    """Serves ranges, as file servers do."""
    asked = request.headers.get("Range")
    if not asked:
        return _body(200, BODY)
    start = int(asked.removeprefix("bytes=").rstrip("-"))
    if start >= len(BODY):
        return httpx2.Response(416)
    return _body(206, BODY[start:])


def test_a_file_comes_whole_and_only_once(tmp_path: Path) -> None:
    target = tmp_path / "downloads" / "set.zip"
    download(URL, target, _client(_server))
    assert target.read_bytes() == BODY

    def closed(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError("it is there already")

    download(URL, target, _client(closed))
    assert list(target.parent.iterdir()) == [target]


def test_a_broken_download_goes_on_where_it_was(tmp_path: Path) -> None:
    asked = []

    def breaks(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers.get("Range"))
        if len(asked) == 1:
            return httpx2.Response(200, headers={"Content-Length": str(len(BODY))}, stream=_Breaking(BODY[:524_288]))
        return _server(request)

    target = tmp_path / "set.zip"
    with pytest.raises(ValueError, match="run it again to go on"):
        download(URL, target, _client(breaks))
    assert not target.exists()
    download(URL, target, _client(breaks))
    assert target.read_bytes() == BODY
    assert asked == [None, "bytes=524288-"]


def test_a_server_without_ranges_starts_again(tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"x" * 1000)
    download(URL, tmp_path / "set.zip", _client(lambda request: _body(200, BODY)))
    assert (tmp_path / "set.zip").read_bytes() == BODY


def test_a_part_longer_than_the_file_starts_again(tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"x" * (len(BODY) + 5))
    download(URL, tmp_path / "set.zip", _client(_server))
    assert (tmp_path / "set.zip").read_bytes() == BODY


def test_fewer_bytes_than_announced_are_not_taken_for_the_file(tmp_path: Path) -> None:
    def short(request: httpx2.Request) -> httpx2.Response:
        return _body(200, b"x" * 4000, length=5000)

    with pytest.raises(ValueError, match="4000 of 5000 bytes"):
        download(URL, tmp_path / "set.zip", _client(short))
    assert not (tmp_path / "set.zip").exists()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_a_sentence(tmp_path: Path, status: int) -> None:
    with pytest.raises(ValueError, match=rf"{URL} could not be downloaded.*{status}"):
        download(URL, tmp_path / "set.zip", _client(lambda request: httpx2.Response(status)))


def _archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_an_archive_is_unpacked_without_the_litter_of_macs(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "set.zip", {"set/a.txt": b"a", "set/deep/b.txt": b"b", "__MACOSX/set/._a.txt": b"x"})
    unpack(archive, tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.txt")} == {
        "set/a.txt",
        "set/deep/b.txt",
    }


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt", "set/../../outside.txt"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = _archive(tmp_path / "set.zip", {name: b"x"})
    with pytest.raises(ValueError, match="leads out of its folder"):
        unpack(archive, tmp_path / "deep" / "out")
    assert not (tmp_path / "outside.txt").exists()
    assert not (tmp_path / "deep" / "outside.txt").exists()


def test_half_an_archive_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    whole = _archive(tmp_path / "set.zip", {"a.bin": BODY}).read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="no whole zip archive"):
        unpack(tmp_path / "half.zip", tmp_path / "out")
    damaged = io.BytesIO(whole).getbuffer().tobytes()
    (tmp_path / "damaged.zip").write_bytes(damaged[:5000] + b"\xff\xff" + damaged[5002:])
    with pytest.raises(ValueError, match="CRC"):
        unpack(tmp_path / "damaged.zip", tmp_path / "out")


class _Breaking(httpx2.SyncByteStream):
    """A body whose connection breaks after its first bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield self._content
        raise httpx2.ReadError("connection lost")
