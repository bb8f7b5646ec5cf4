"""The pixels that the networks see of each accepted format are Pillow's: gateway, then backend, without Triton."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from tests.support import exif
from tests.support.pictures import ALL, bottle, cut_out, encode, png_chunk, with_orientation, without_adobe
from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.dali_backend import PREPROCESS, arguments, expected, levels, pixels, request

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")
PICTURE = bottle(233, 171)  # odd, and no multiple of a block
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
#: Start and step of rows and columns in each pass of an interlaced PNG.
ADAM7 = (
    (0, 8, 0, 8),
    (0, 8, 4, 8),
    (4, 8, 0, 4),
    (0, 4, 2, 4),
    (2, 4, 0, 2),
    (0, 2, 1, 2),
    (1, 2, 0, 1),
)


def rows_of(values: np.ndarray[Any, Any], depth: int) -> bytes:
    """Rows of a PNG without a filter, of values [height, width, channels]."""
    flat = values.reshape(len(values), -1)
    if depth == 16:
        packed = flat.astype(">u2").view(np.uint8)
    elif depth == 8:
        packed = flat.astype(np.uint8)
    else:
        bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(len(flat), -1), axis=-1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def png_of(colour: int, depth: int, *, interlaced: bool) -> bytes:
    """The bottle as a PNG of any kind that there is."""
    most = 2**depth - 1
    picture = cut_out(PICTURE).convert({GREY: "L", RGB: "RGB", PALETTE: "L", GREY_ALPHA: "LA", RGBA: "RGBA"}[colour])
    values = np.asarray(picture).astype(np.uint32).reshape(171, 233, CHANNELS[colour]) * most // 255
    palette = b""
    if colour == PALETTE:
        palette = png_chunk(b"PLTE", bytes(part for index in range(most + 1) for part in (index, 255 - index, 7)))
    steps = ADAM7 if interlaced else ((0, 1, 0, 1),)
    passes = (values[row::down, column::across] for row, down, column, across in steps)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 233, 171, depth, colour, 0, 0, interlaced)),
            palette,
            png_chunk(b"IDAT", zlib.compress(b"".join(rows_of(each, depth) for each in passes if each.size))),
            png_chunk(b"IEND", b""),
        )
    )


def files() -> Iterator[tuple[str, bytes]]:
    """Yield every variant by its name."""
    for name, write in ALL.items():
        yield name, write(PICTURE)
    for colour, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                kind = " interlaced" * interlaced
                yield f"PNG of type {colour} of {depth} bits{kind}", png_of(colour, depth, interlaced=interlaced)
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for progressive in (False, True):
            options = {"subsampling": subsampling, "progressive": progressive, "quality": 80}
            yield f"JPEG {subsampling}{' progressive' * progressive}", encode(PICTURE, "JPEG", **options)
    yield "JPEG with restarts", encode(PICTURE, "JPEG", restart_marker_blocks=5)
    yield "JPEG CMYK without Adobe", without_adobe(ALL["JPEG CMYK"](PICTURE))
    yield "JPEG large", encode(bottle(2016, 1512), "JPEG", quality=90)
    for format_ in ("PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"):
        yield f"{format_} cut out", encode(cut_out(PICTURE), format_)
    for mode in ("1", "L", "P", "RGBA", "I;16", "CMYK", "YCbCr", "LAB"):
        yield f"TIFF {mode}", encode(PICTURE.convert(mode), "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"TIFF {compression}", encode(PICTURE, "TIFF", compression=compression)
    for orientation in range(1, 9):
        for format_ in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"):
            yield f"{format_} turned {orientation}", with_orientation(PICTURE, orientation, format_)
    for kind in exif.KINDS:
        yield f"{kind} turned as cameras do", exif.turned(PICTURE, 6, kind)


FILES = dict(files())


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """What gateway and backend make of each file."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        model = load_backend("dali", monkeypatch).TritonPythonModel()
        model.initialize(arguments(PREPROCESS))
        native = [to_native(inspect(file, 64_000_000)) for file in FILES.values()]
        responses = [
            response
            for start in range(0, len(native), 16)
            for response in model.execute([request(file) for file in native[start : start + 16]])
        ]
    return dict(zip(FILES, responses, strict=True))


@pytest.mark.parametrize("name", FILES)
def test_the_networks_see_what_pillow_shows(answers: dict[str, Any], name: str) -> None:
    difference = levels(pixels(answers[name]), expected(FILES[name]))
    if name == "JPEG large":  # decoded at a fraction of its size
        assert difference.mean() < 0.25
    else:
        assert difference.max() == 0, difference.mean()


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_orientation_shows_the_same(answers: dict[str, Any], format_: str, orientation: int) -> None:
    turned, upright = (pixels(answers[f"{format_} turned {each}"]) for each in (orientation, 1))
    assert levels(turned, upright).mean() < 1
