"""The curves: photos of a wanted size, and the plots of what was measured."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from scripts.bench.curves import Memory, of_size, plot
from scripts.bench.gpu.drawn import drawn_photos


@pytest.mark.parametrize("size", [(100, 80), (1225, 816)])
def test_a_photo_is_made_of_the_size_that_is_asked_for(size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(of_size(drawn_photos(1)[0], *size))) as image:
        assert (image.format, image.size) == ("JPEG", size)
        assert image.getextrema() != ((0, 0), (0, 0), (0, 0))


def test_memory_is_that_of_the_process() -> None:
    with Memory(os.getpid()) as memory:
        pass

    assert memory.most_bytes > 10e6


def test_each_curve_becomes_a_picture(tmp_path: Path) -> None:
    rows = [
        {"in_flight": number, "megapixels": number, "photos_per_second": 9.0, "p50_ms": 1.0, "memory_mb": 5}
        for number in (1, 4)
    ]
    result = {"cores": 2, "date": "2026-11-25", "by_in_flight": {"raw": rows}, "by_megapixels": {"raw": rows}}
    result["by_replicas"] = {"raw": [{"replicas": 1, "photos_per_second": 9.0}]}

    written = plot(result, tmp_path)

    names = ("in_flight", "megapixels", "memory", "replicas")
    assert {path.name for path in written} == {f"curve_{name}.png" for name in names}
    for path in written:
        with Image.open(path) as picture:
            assert picture.width > 300
