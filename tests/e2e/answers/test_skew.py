"""No skew: the service answers as the network does behind the preprocessing of training, whatever is sent."""

from pathlib import Path

import httpx
import numpy as np
import pillow_heif
import pytest
import torch
from PIL import Image
from tritonclient.grpc import InferenceServerClient

from scripts.draw_samples import draw_bottle, draw_box, draw_can
from tests.support.pictures import ALL, with_orientation
from tests.support.running_triton import RunningTriton
from tests.support.torchscript import read_exported
from tests.support.triton_client import as_input
from training.dataset.classes import read_classes
from training.dataset.preprocessing import decode, resize
from training.dataset.specification import load_specification
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.e2e

#: Formats that reach DALI as they are.
NATIVE = ("JPEG", "JPEG CMYK", "PNG", "WebP", "BMP", "TIFF")
#: Width and height: phone-like, tiny, prime, longer than wide, strips of one pixel, just beside the network's own.
SIZES = ((1024, 768), (512, 384), (193, 191), (97, 331), (31, 33), (1600, 90), (7, 5), (1, 1), (900, 1), (1, 450))


def _natural(width: int, height: int, seed: int) -> Image.Image:
    """Colours with the spectrum of a photo: energy falls with the square of the frequency."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1 / max(width, height)
    channels = []
    for _ in range(3):
        spectrum = np.fft.fft2(generator.standard_normal((height, width))) / frequency
        channels.append(np.fft.ifft2(spectrum).real)
    values = np.stack(channels, axis=-1)
    values = 0.6 * values.mean(axis=-1, keepdims=True) + 0.4 * values
    spread = values.std() or 1.0
    return Image.fromarray(np.clip(128 + 55 * (values - values.mean()) / spread, 0, 255).astype(np.uint8))


def _files() -> dict[str, bytes]:
    """Every format with two sizes of natural-looking pictures; the drawings; every EXIF orientation."""
    files = {}
    for number, (name, encode) in enumerate(ALL.items()):
        for step in range(2):
            size = SIZES[(number + 3 * step) % len(SIZES)]
            files[f"{name}, {size[0]}x{size[1]}"] = encode(_natural(*size, seed=10 * number + step))
    for drawing in (draw_bottle, draw_box, draw_can):
        files[drawing.__name__] = ALL["JPEG"](drawing())
    for orientation in range(1, 9):
        files[f"orientation {orientation}"] = with_orientation(_natural(300, 200, seed=orientation), orientation)
    return files


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    pillow_heif.register_heif_opener()
    return _files()


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_training_and_serving_agree(
    client: httpx.Client, triton: RunningTriton, model: str, files: dict[str, bytes]
) -> None:
    specification, classes = load_specification(triton.model_repository), read_classes(triton.model_repository)
    network = read_exported(_exported(triton.model_repository, model))
    images = torch.stack([resize(decode(content), specification.size) for content in files.values()])
    with torch.inference_mode():
        chunks = [network(chunk)[0] for chunk in torch.split(images, 16)]
    expected = torch.cat(chunks).numpy()
    served = np.array([_ask(client, model, name, content, classes) for name, content in files.items()])
    differences = np.abs(served - expected).max(axis=1)
    skewed = {name: float(value) for name, value in zip(files, differences, strict=True) if value > triton.tolerance}
    assert not skewed
    ranked = np.sort(expected, axis=1)
    decided = ranked[:, -1] - ranked[:, -2] > triton.tie
    changed = decided & (served.argmax(axis=1) != expected.argmax(axis=1))
    assert not [name for name, other in zip(files, changed, strict=True) if other]
    assert np.ptp(expected, axis=0).max() > 0.02, "the pictures are too alike to tell one answer from another"


def test_the_pixels_are_the_same_but_at_the_border(triton: RunningTriton) -> None:
    """DALI repeats the border where the filter reaches out of the photo, Pillow cuts the filter off."""
    specification = load_specification(triton.model_repository)
    files = {f"{name} {size}": ALL[name](_natural(*size, seed=9)) for name in NATIVE for size in SIZES[:6]}
    with InferenceServerClient(triton.grpc_url) as client:
        for name, content in files.items():
            served = torch.from_numpy(client.infer("preprocess", [as_input(content)]).as_numpy("PIXELS")[0].copy())
            trained = resize(decode(content), specification.size)
            other = (served.int() - trained.int()).abs() > triton.levels
            assert float(other[:, 1:-1, 1:-1].float().mean()) < 0.005, name
            assert float(other.float().mean()) < 0.03, name


def _exported(model_repository: Path, model: str) -> Path:
    return model_repository / NETWORK_MODELS[model] / "1" / "model.pt"


def _ask(client: httpx.Client, model: str, name: str, content: bytes, classes: tuple[str, ...]) -> list[float]:
    response = client.post(f"/{model}/predict", files={"file": (name, content)})
    assert response.status_code == 200, (name, response.text)
    said = response.json()["classes"]
    return [said[label] for label in classes]
