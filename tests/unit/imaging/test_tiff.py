"""The first directory of a block of EXIF, read without its values."""

import io
import struct

import pytest
from PIL import Image

from imaging.orientation import turn_of
from imaging.tiff import orientation_of
from tests.support.exif import DAMAGED, ENDLESS, exif, png
from tests.support.memory import memory_at_most
from tests.support.pictures import bottle


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_orientation_is_the_first_entry_of_that_kind(order: str, prefix: bytes) -> None:
    for orientation in range(1, 9):
        assert orientation_of(prefix + exif(orientation, order)) == orientation
    assert orientation_of(ENDLESS) == 6


@pytest.mark.parametrize("block", [*DAMAGED.values(), exif(6, kind=3, count=2), exif(6, kind=4), b"II*\0"])
def test_damaged_blocks_have_none(block: bytes) -> None:
    assert orientation_of(block) is None


def test_an_orientation_of_many_values_takes_no_memory() -> None:
    """Pillow makes objects of all of them: 700 MB of a PNG of 20 MB."""
    values = 200_000
    block = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 5, values, 26) + bytes(4) + b"\1\2\3\4\5\6\7\x08" * values
    image = Image.open(io.BytesIO(png(bottle(9, 9), block)))
    image.load()
    with memory_at_most(2 * len(block)):
        assert turn_of(image) is None
