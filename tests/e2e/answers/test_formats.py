"""One picture in every accepted format and variant gets one answer."""

import io

import httpx
import pytest
from PIL import Image

from tests.support.exif import KINDS, TURNS, turned
from tests.support.pictures import ALL, GREY, LOSSLESS, bottle, encode

pytestmark = pytest.mark.e2e
PICTURE = bottle()


def probabilities(client: httpx.Client, photo: bytes, model: str = "pretrained") -> dict[str, float]:
    response = client.post(f"/{model}/predict", files={"file": photo})
    assert response.status_code == 200, response.text
    classes: dict[str, float] = response.json()["classes"]
    return classes


def test_every_format_gives_the_same_class(client: httpx.Client) -> None:
    references = {name: probabilities(client, encode(PICTURE.convert(name), "PNG")) for name in ("RGB", "L")}
    for name, write in ALL.items():
        expected = references["L" if name in GREY else "RGB"]
        file = write(PICTURE)
        answer = probabilities(client, file)
        assert max(answer, key=answer.__getitem__) == max(expected, key=expected.__getitem__), name
        if name in GREY:
            assert answer == pytest.approx(expected, abs=0.02), name
        if name in LOSSLESS:
            # The same pixels give the same answer. AVIF and HEIC lose a level of them even without loss.
            same = encode(Image.open(io.BytesIO(file)).convert("RGB"), "PNG")
            assert answer == pytest.approx(probabilities(client, same), abs=0.001), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("JPEG")])
def test_every_orientation_gives_the_same_answer(client: httpx.Client, kind: str) -> None:
    upright = probabilities(client, turned(PICTURE, 1, kind), "raw")
    for orientation in range(2, 9):
        assert probabilities(client, turned(PICTURE, orientation, kind), "raw") == pytest.approx(upright, abs=0.02), (
            orientation
        )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("JPEG")])
def test_every_orientation_of_a_jpeg_gives_the_answer_of_its_pixels(client: httpx.Client, kind: str) -> None:
    """A JPEG of a turned picture has other pixels than one of the picture: it is held against its own."""
    for orientation in range(1, 9):
        file = turned(PICTURE, orientation, kind)
        pixels = Image.open(io.BytesIO(file)).convert("RGB")  # Pillow does not turn a JPEG by itself
        upright = encode(pixels.transpose(TURNS[orientation]) if orientation in TURNS else pixels, "PNG")
        expected = pytest.approx(probabilities(client, upright, "raw"), abs=0.001)
        assert probabilities(client, file, "raw") == expected, orientation


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF"])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16_000, 1), (1, 16_000)])
def test_extreme_sizes(client: httpx.Client, format: str, size: tuple[int, int]) -> None:
    if format == "HEIF":
        size = (min(size[0], 4000), min(size[1], 4000))  # the encoder of this test takes no longer ones
    probabilities(client, encode(Image.new("RGB", size, (10, 120, 60)), format), "raw")


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_twenty_thousand_by_one(client: httpx.Client, format: str) -> None:
    probabilities(client, encode(Image.new("RGB", (20_000, 1), (10, 120, 60)), format), "raw")


@pytest.mark.parametrize("format", ["JPEG", "HEIF"])
def test_phone_photo_of_48_megapixels(client: httpx.Client, format: str) -> None:
    drawing = bottle(8000, 6000)
    answer = probabilities(client, encode(drawing, format, quality=80), "raw")
    assert answer == pytest.approx(probabilities(client, encode(drawing, "PNG"), "raw"), abs=0.05)
