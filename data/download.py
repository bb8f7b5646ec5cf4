"""Downloads that go on where they broke off, and archives that are unpacked as a whole."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import httpx2
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

_CHUNK = 1 << 18
_TIMEOUT = httpx2.Timeout(30.0)


def download(url: str, target: Path, client: httpx2.Client | None = None) -> Path:
    """Fetch ``url`` to ``target``; bytes that an earlier try left in ``target``.part are not fetched again.

    Raises:
        ValueError: the server cannot be reached, refuses, or sends less than it announced.
    """
    if target.exists():
        return target
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        with client or httpx2.Client(follow_redirects=True, timeout=_TIMEOUT) as session:
            _fetch(session, url, part)
    except httpx2.HTTPError as exc:
        raise ValueError(f"{url} could not be downloaded ({exc or type(exc).__name__}); run it again to go on") from exc
    part.replace(target)
    return target


def _fetch(session: httpx2.Client, url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    # Compressed on the way, the announced length would not be the file's.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.stream("GET", url, headers=headers) as response:
        if have and response.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
            # The part is whole already, or of another file: which of the two, only a fresh start can tell.
            part.unlink()
            _fetch(session, url, part)
            return
        response.raise_for_status()
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        announced = response.headers.get("Content-Length")
        total = have + int(announced) if announced else None
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress, part.open("ab" if resumed else "wb") as file:
            task = progress.add_task(url.rsplit("/", 1)[-1], total=total, completed=have)
            for chunk in response.iter_raw(_CHUNK):
                file.write(chunk)
                progress.advance(task, len(chunk))
        size = part.stat().st_size
        if total is not None and size != total:
            raise httpx2.ReadError(f"{size} of {total} bytes came")


def unpack(archive: Path, target: Path) -> None:
    """Unpack a zip archive into the folder ``target``.

    Raises:
        ValueError: it is no whole zip archive, or a name in it leads out of the folder.
    """
    names = [name for name, _ in members(archive)]
    with _whole(archive), zipfile.ZipFile(archive) as opened:
        for name in names:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            # Reading to the end is what checks a member's CRC.
            with opened.open(str(name)) as source, place.open("wb") as file:
                shutil.copyfileobj(source, file)


def members(archive: Path) -> list[tuple[PurePosixPath, int]]:
    """Return the names and sizes of the files in a zip archive, without the by-products of macOS.

    Raises:
        ValueError: it is no zip archive, or a name in it leads out of the folder.
    """
    found = []
    with _whole(archive), zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            name = PurePosixPath(member.filename)
            if name.is_absolute() or ".." in name.parts:
                raise ValueError(f"{archive} holds {member.filename}, which leads out of its folder")
            if not member.is_dir() and "__MACOSX" not in name.parts:
                found.append((name, member.file_size))
    return found


@contextmanager
def _whole(archive: Path) -> Iterator[None]:
    try:
        yield
    except zipfile.BadZipFile as exc:
        raise ValueError(f"{archive} is no whole zip archive ({exc}); remove it and run this again") from exc
