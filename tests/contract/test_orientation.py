"""EXIF orientation: what the gateway sends shows DALI the very picture that training sees."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from tests.support.exif import DAMAGED, ENDLESS, KINDS, exif, jpeg, png, stored, turned, webp
from tests.support.pictures import bottle, encode, png_chunk
from training.dataset.preprocessing import decode

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")

# Pillow says so and reads on.
pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
PICTURE = bottle(95, 64)
Pixels = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def dali() -> Callable[[bytes], Pixels]:
    """The decoder of `model_repository/preprocess/1/dali.py`."""
    dali: Any = importlib.import_module("nvidia.dali")  # its types leave out most of what is used here

    def pipeline() -> Any:
        encoded = dali.fn.external_source(name="IMAGE", device="cpu", ndim=1, dtype=dali.types.UINT8)
        return dali.fn.decoders.image(encoded, device="cpu", output_type=dali.types.RGB, jpeg_fancy_upsampling=True)

    built = dali.pipeline_def(batch_size=1, num_threads=1, device_id=None, prefetch_queue_depth=1)(pipeline)()
    built.build()

    def decoded(data: bytes) -> Pixels:
        built.feed_input("IMAGE", [np.frombuffer(data, np.uint8)])
        pixels: Pixels = np.array(built.run()[0].as_tensor())[0].astype(int)
        return pixels

    return decoded


def served(data: bytes) -> bytes:
    """The bytes that the gateway sends to Triton."""
    return to_native(inspect(data, 10**7))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_shows_the_picture(dali: Callable[[bytes], Pixels], kind: str, orientation: int) -> None:
    data = turned(PICTURE, orientation, kind)
    shown = dali(served(data))
    assert shown.shape == (64, 95, 3)
    assert np.abs(shown - np.asarray(PICTURE, int)).mean() < 3
    if kind not in ("HEIF", "AVIF"):  # training reads photos of the other formats only
        assert np.array_equal(shown, np.asarray(decode(data), int))


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("write", [jpeg, png, webp])
def test_damaged_exif_leaves_a_picture_as_it_is(
    dali: Callable[[bytes], Pixels], write: Callable[..., bytes], name: str
) -> None:
    data = write(PICTURE, DAMAGED[name])
    shown = dali(served(data))
    assert np.abs(shown - np.asarray(PICTURE, int)).mean() < 3
    assert np.array_equal(shown, np.asarray(decode(data), int))


@pytest.mark.parametrize("write", [jpeg, png, webp])
def test_exif_that_readers_run_out_of_is_kept_from_them(
    dali: Callable[[bytes], Pixels], write: Callable[..., bytes]
) -> None:
    """DALI 2.4 ends with its process (SIGSEGV) where a PNG declares more entries of EXIF than it has."""
    data = write(PICTURE, ENDLESS)
    assert not inspect(data, 10**7).native
    assert np.array_equal(dali(served(data)), np.asarray(decode(data), int))


def test_an_orientation_that_is_not_exif_turns_nothing(dali: Callable[[bytes], Pixels]) -> None:
    """Pillow would take it from XMP too."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    whole = encode(PICTURE, "PNG")
    at = whole.index(b"IDAT") - 4
    data = whole[:at] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp + b"</x:xmpmeta>") + whole[at:]
    for shown in (dali(served(data)), np.asarray(decode(data), int)):
        assert np.array_equal(shown, np.asarray(PICTURE, int))


def test_plain_photos_are_not_converted() -> None:
    for orientation in range(1, 9):
        assert inspect(jpeg(stored(PICTURE, orientation), exif(orientation)), 10**7).native


def test_later_frames_of_a_png_are_left_out(dali: Callable[[bytes], Pixels]) -> None:
    """Which picture of an animation comes first is a matter of opinion, among decoders."""
    animation = encode(PICTURE, "PNG", save_all=True, append_images=[bottle(95, 64).rotate(180)])
    assert b"acTL" in animation
    assert b"acTL" not in served(animation)
    assert np.array_equal(dali(served(animation)), np.asarray(PICTURE, int))
