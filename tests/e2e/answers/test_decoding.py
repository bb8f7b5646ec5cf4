"""What Pillow decodes in place of DALI, asked for straight at Triton: large JPEGs, four components, transparency."""

import numpy as np
import pytest
from PIL import Image
from tritonclient.grpc import InferenceServerClient

from scripts.draw_samples import draw_bottle, draw_box, draw_can
from tests.support.pictures import bottle, cut_out, encode, with_orientation, without_adobe
from tests.support.running_triton import RunningTriton
from tests.support.triton_client import ask, ask_at_once, outcomes_at_once
from training.dataset.preprocessing import decode
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.e2e

#: How far a probability may be from that of the whole decode.
TOLERANCE = 0.02


def photo(drawing: Image.Image, width: int, height: int) -> Image.Image:
    return drawing.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def large() -> dict[str, bytes]:
    can, box = photo(draw_can(), 2400, 1800), photo(draw_box(), 1999, 1501)
    return {
        "baseline": encode(can, "JPEG", quality=88),
        "progressive": encode(can, "JPEG", quality=88, progressive=True),
        "turned": with_orientation(photo(draw_bottle(), 2001, 1617), 6),
        "grey": encode(can.convert("L"), "JPEG", quality=88),
        "CMYK": encode(box.convert("CMYK"), "JPEG", quality=88),
        "odd": encode(box, "JPEG", quality=88, subsampling="4:4:4"),
    }


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_large_jpegs_are_answered_as_if_decoded_whole(
    triton: RunningTriton, model: str, large: dict[str, bytes]
) -> None:
    # An uncompressed file is decoded whole, and the same server answers: nothing but the scale differs.
    whole = [encode(decode(file), "BMP") for file in large.values()]
    answers = np.stack(ask_at_once(triton.grpc_url, model, list(large.values())))
    expected = np.stack(ask_at_once(triton.grpc_url, model, whole))
    np.testing.assert_allclose(answers, expected, atol=TOLERANCE)
    assert np.ptp(expected, axis=0).max() > TOLERANCE, "the pictures are too alike to tell one answer from another"


def test_a_truncated_large_jpeg_fails_alone(triton: RunningTriton, large: dict[str, bytes]) -> None:
    whole = list(large.values())
    truncated = [file[: len(file) // 2] for file in whole]
    answers, errors = outcomes_at_once(triton.grpc_url, "raw", [*whole, *truncated])
    assert (list(answers), list(errors)) == (list(range(6)), list(range(6, 12)))


@pytest.mark.parametrize("size", [(320, 240), (2000, 1500)])
def test_four_components_need_no_marker(triton: RunningTriton, size: tuple[int, int]) -> None:
    marked = encode(draw_can().convert("RGB").resize(size).convert("CMYK"), "JPEG", quality=95)
    with InferenceServerClient(triton.grpc_url) as client:
        one, other = (ask(client, "raw", file) for file in (marked, without_adobe(marked)))
    np.testing.assert_allclose(one, other, atol=TOLERANCE)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_what_is_transparent_is_judged_on_white(triton: RunningTriton, format: str) -> None:
    lossless = {"lossless": True, "exact": True} if format == "WEBP" else {}
    layer = cut_out(bottle())
    white = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    with InferenceServerClient(triton.grpc_url) as client:
        one, other = (ask(client, "raw", encode(picture, format, **lossless)) for picture in (layer, white))
    np.testing.assert_allclose(one, other, atol=TOLERANCE)
