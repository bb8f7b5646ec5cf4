"""What decoders in C write to the standard error becomes the reason of the image that they fail."""

import contextlib
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from embedded_triton.backends.dali.messages import caught_messages
from tests.support.pictures import bottle, encode, png_chunk
from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.dali_backend import PREPROCESS, arguments, pixels, request

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")


def png_of(rows: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 24, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def test_lines_are_kept_and_the_standard_error_is_given_back(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with caught_messages(lines):
        os.write(2, b"\x1b[0;31m[ERROR] \x1b[0m[parser] Invalid marker\n\nsecond\n")
    os.write(2, b"afterwards\n")
    assert lines == ["[ERROR] [parser] Invalid marker", "second"]
    assert capfd.readouterr().err == "afterwards\n"


def test_no_number_of_lines_stops_the_decoder_or_fills_the_memory() -> None:
    lines: list[str] = []
    with caught_messages(lines), contextlib.suppress(BlockingIOError):  # C's standard library drops what is refused
        while True:
            os.write(2, b"Fax4Decode: Bad code word\n")
    assert 0 < len(lines) < 1000


def test_a_fault_of_the_block_passes(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="decoder"), caught_messages([]):
        raise RuntimeError("decoder")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_the_reason_is_that_of_the_image(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = zlib.compress(bytes(24 * (1 + 40 * 3)))
    wrong_check = png_of(rows[:-1] + bytes([rows[-1] ^ 1]))
    wrong_filter = png_of(zlib.compress(bytes([9]) * (24 * (1 + 40 * 3))))
    model: Any = load_backend("dali", monkeypatch).TritonPythonModel()
    model.initialize(arguments(Path(PREPROCESS)))
    good = encode(bottle(), "PNG")
    answers = model.execute([request(file) for file in (good, wrong_check, good, wrong_filter)])
    assert "incorrect data check" in str(answers[1].error)
    assert "bad adaptive filter" in str(answers[3].error)
    assert pixels(answers[0]).shape == pixels(answers[2]).shape
    assert "libpng" not in capfd.readouterr().err
