"""Pillow and libtiff say nothing of their own on the standard error."""

import io

import pytest
from PIL import Image

from imaging.quiet import silence_pillow
from tests.support.pictures import bottle, encode


@pytest.mark.parametrize("compression", ["group4", "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_a_damaged_strip_writes_no_line(capfd: pytest.CaptureFixture[str], compression: str) -> None:
    silence_pillow()
    mode = "1" if compression == "group4" else "RGB"
    whole = encode(bottle(200, 160).convert(mode), "TIFF", compression=compression)
    strip = whole[300:]
    for damaged in (
        whole[:300] + bytes(byte ^ 0x55 for byte in strip),
        whole[:8] + bytes(byte ^ 0x55 for byte in whole[8:200]) + whole[200:],
    ):
        try:
            Image.open(io.BytesIO(damaged)).load()
        except Exception:
            continue
    assert capfd.readouterr().err == ""


def test_tags_that_make_no_sense_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    silence_pillow()
    whole = bytearray(encode(bottle(40, 24), "TIFF"))
    at = whole.index(b"\x15\x01\x03\0\x01\0\0\0")  # SamplesPerPixel, one SHORT
    whole[at + 8 : at + 10] = (89).to_bytes(2, "little")
    with pytest.raises(OSError, match="cannot identify image file"):
        Image.open(io.BytesIO(whole))
    assert not caplog.records
