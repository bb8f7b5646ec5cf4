from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.asgi_server import served
from tests.support.pictures import bottle, encode
from tests.unit.scripts.cli.fakes import FakeGateway


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def url(gateway: FakeGateway) -> Iterator[str]:
    with served(gateway.app) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos in two folders, and a text that is none."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for name in ("a.jpg", "more/b.PNG", "c.webp"):
        kind = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[name.rpartition(".")[2].lower()]
        (tmp_path / "photos" / name).write_bytes(encode(bottle(), kind))
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    return tmp_path / "photos"
