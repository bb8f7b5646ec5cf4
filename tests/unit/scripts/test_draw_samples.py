"""The committed drawings are what their script draws."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.draw_samples import SAMPLES, WARMUP, draw_bottle, draw_box, draw_can

DRAWINGS = {
    WARMUP: (draw_bottle, "JPEG"),
    SAMPLES / "drawn_bottle.jpg": (draw_bottle, "JPEG"),
    SAMPLES / "drawn_box.png": (draw_box, "PNG"),
    SAMPLES / "drawn_can.webp": (draw_can, "WEBP"),
}


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_committed_drawing_is_the_drawn_one(path: Path) -> None:
    draw, image_format = DRAWINGS[path]
    with Image.open(io.BytesIO(path.read_bytes())) as committed:
        assert committed.format == image_format
        difference = np.abs(np.asarray(committed.convert("RGB"), float) - np.asarray(draw(), float))
    # Not the bytes: encoders change from version to version. JPEG and WebP lose a little.
    assert difference.mean() < 3


def test_samples_hold_no_other_picture() -> None:
    assert {*SAMPLES.iterdir()} == {*DRAWINGS} - {WARMUP}
