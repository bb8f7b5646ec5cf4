"""Image files: gateway and backend refuse them by their own errors, and show them as Pillow does.

For any bytes the gateway inspects the file and prepares it for Triton, and the backend decodes what comes of that, on
a CPU and without Triton. Then:

- nothing is raised but an ``ImageError``, and nothing is written to the standard error, which no request id would name;
- a file that the gateway converted is decoded by the backend;
- what the gateway accepts and Pillow shows too has the same pixels;
- what Pillow shows whole is accepted, but for what is refused on purpose (``_ON_PURPOSE``).
"""

import io
import os
import re
import tempfile
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from gateway.errors import ImageError, ImageTooLarge
from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from imaging.decode import rendered
from imaging.resize import resize
from tests.support import exif, pictures
from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.dali_backend import PREPROCESS, SPECIFICATION, arguments, pixels, request

MAX_BYTES = 32768
_MAX_PIXELS = 1_000_000
_CPU_SECONDS = 1.0
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF")
#: Mean difference in levels of 255 up to which two decoders show the same picture.
_SAME = 2.0
# JPEG and PNG of which libjpeg and libpng warn; raw formats; endless chains; two things about the size.
_ON_PURPOSE = re.compile(
    r"JPEG file is cut off|libpng (?:warning|error)|raw format|more than \d+|contradicts itself|declares no size"
    r"|no marker where|tiles? "
)
_PNG = b"\x89PNG\r\n\x1a\n"


def seeds() -> Iterator[bytes]:
    """Yield small drawings in every format and variant, upright and turned."""
    picture = pictures.bottle(40, 24)
    for write in pictures.ALL.values():
        yield write(picture)
    for kind in exif.KINDS:
        yield exif.turned(picture, 6, kind)
    cut_out = pictures.cut_out(picture)
    for format_ in ("PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"):
        yield pictures.encode(cut_out, format_)
    for mode in ("1", "L", "P", "I;16"):
        for format_ in ("PNG", "TIFF"):
            yield pictures.encode(picture.convert(mode), format_)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "tiff_adobe_deflate"):
        yield pictures.encode(picture, "TIFF", compression=compression)
    yield pictures.encode(picture.convert("1"), "TIFF", compression="group4")
    yield pictures.without_adobe(pictures.ALL["JPEG CMYK"](picture))
    yield pictures.encode(picture, "JPEG", restart_marker_rows=1)


def mutate(data: bytes, mutated: bytes, seed: int) -> bytes:
    """Return libFuzzer's mutation, three times of four with the right checksums where it is a PNG."""
    if seed % 4 == 0 or not mutated.startswith(_PNG):
        return mutated
    pieces, at = [_PNG], len(_PNG)
    while at + 12 <= len(mutated):
        end = at + 8 + int.from_bytes(mutated[at : at + 4], "big")
        if end + 4 > len(mutated):
            break
        pieces += [mutated[at:end], zlib.crc32(mutated[at + 4 : end]).to_bytes(4, "big")]
        at = end + 4
    return b"".join((*pieces, mutated[at:]))[: max(len(data), MAX_BYTES)]


class Target:
    """Checks one input after the other."""

    def __init__(self) -> None:
        pillow_heif.register_heif_opener()
        warnings.simplefilter("ignore")  # Pillow warns of damage, and reads on
        self._backend = load_backend("dali", pytest.MonkeyPatch()).TritonPythonModel()
        self._backend.initialize(arguments(PREPROCESS))

    def __call__(self, data: bytes) -> None:
        """Check one file.

        Raises:
            AssertionError: one of the rules of this module does not hold.
            Exception: what the code under test raised, and may not.
        """
        with _nothing_said() as said:
            began = time.process_time()
            refusal, answer = self._served(data)
            assert time.process_time() - began < _CPU_SECONDS, "an input takes too long"
        assert not said, f"standard error: {said.decode(errors='replace')}"
        if isinstance(refusal, ImageTooLarge) or (refusal and data.startswith(b"GIF")):
            return  # Pillow may take gigabytes for it
        with _nothing_said():
            shown = _shown_by_pillow(data)
        assert refusal is None or shown is None or _is_on_purpose(refusal), f"Pillow shows what is refused: {refusal}"
        if refusal is not None or answer is None or shown is None:
            return
        assert float(np.abs(answer.astype(int) - shown).mean()) <= _SAME, "the picture is not Pillow's"

    def _served(self, data: bytes) -> tuple[ImageError | None, Any]:
        try:
            header = inspect(data, _MAX_PIXELS)
            file = to_native(header)
        except ImageError as exc:
            return exc, None
        (response,) = self._backend.execute([request(file)])
        if response.error is None:
            return None, pixels(response)[0]
        assert response.error.status == "INVALID_ARG", response.error
        assert header.native, f"the backend refuses what the gateway made: {response.error}"
        return ImageError(str(response.error)), None


def _is_on_purpose(refusal: ImageError) -> bool:
    return _ON_PURPOSE.search(str(refusal)) is not None


def _shown_by_pillow(data: bytes) -> Any:
    """Return the square that Pillow makes of a file, or None where it shows nothing."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            return resize(rendered(image), SPECIFICATION.size)
    except Exception:  # of any kind
        return None


@contextmanager
def _nothing_said() -> Iterator[bytearray]:
    """Turn the standard error into the array that this gives, also for libraries in C."""
    said = bytearray()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if length := file.tell():
                said += os.pread(file.fileno(), min(length, 2000), 0)
