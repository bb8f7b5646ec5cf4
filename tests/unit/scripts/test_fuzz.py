"""The fuzzer's targets, on their own seeds: the rules hold, and what breaks one is found. Needs no atheris."""

import zlib
from typing import Any

import numpy as np
import pytest

from gateway.errors import BrokenImage
from gateway.uploads.multipart import UploadedFile
from scripts.fuzz import decoders, multipart

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")


@pytest.fixture(scope="module")
def target() -> Any:
    return decoders.Target()


def test_seeds_of_the_decoders_keep_the_rules(target: Any) -> None:
    seeds = list(decoders.seeds())
    assert len({seed[:12] for seed in seeds}) >= 8  # formats
    for seed in seeds:
        assert len(seed) <= decoders.MAX_BYTES
        target(seed)
        assert decoders._shown_by_pillow(seed) is not None
        target(seed[: len(seed) // 2])


def test_findings_of_the_decoders(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    png = next(seed for seed in decoders.seeds() if seed.startswith(b"\x89PNG"))

    def refuse(*_: object) -> None:
        raise BrokenImage("The PNG file is odd.")

    with monkeypatch.context() as patch:
        patch.setattr(decoders, "inspect", refuse)
        with pytest.raises(AssertionError, match="Pillow shows what is refused"):
            target(png)
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "pixels", lambda _: np.zeros((1, 3, 192, 192), np.uint8))
        with pytest.raises(AssertionError, match="not Pillow's"):
            target(png)


def test_checksums_of_a_mutated_png_are_right_again() -> None:
    png = next(seed for seed in decoders.seeds() if seed.startswith(b"\x89PNG"))
    wrong = png[:20] + b"\1" + png[21:]
    mended = decoders.mutate(png, wrong, 1)
    assert mended[29:33] == zlib.crc32(wrong[12:29]).to_bytes(4, "big") != wrong[29:33]
    assert decoders.mutate(png, wrong, 4) == wrong
    assert decoders.mutate(png, png, 1) == png


def test_seeds_of_the_multipart_reader_keep_the_rules() -> None:
    target = multipart.Target()
    for seed in multipart.seeds():
        assert len(seed) <= multipart.MAX_BYTES
        for length in range(0, len(seed), 7):
            target(seed[: len(seed) - length])


@pytest.mark.parametrize("wrong", [[], [b"other"], [b"", b""]])
def test_findings_of_the_multipart_reader(monkeypatch: pytest.MonkeyPatch, wrong: list[bytes]) -> None:
    monkeypatch.setattr(multipart, "files_of", lambda *_: [UploadedFile(None, content) for content in wrong])
    with pytest.raises(AssertionError):
        multipart.Target()(next(multipart.seeds()))
