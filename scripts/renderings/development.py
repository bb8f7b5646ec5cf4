"""What a phone does to the light that it takes: exposure, white balance, lens, noise, tone curve, sharpening."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from scripts.renderings.surfaces import Floats


@dataclass(frozen=True)
class Development:
    """How the light becomes a picture.

    Attributes:
        white: The brightness, 0 to 1 in sRGB, that the board gets along the picture's edges.
        balance: Gains of red, green and blue.
        vignette: The share of light that the corners lose.
        noise: The standard deviation of the noise at middle grey, of 255 levels.
        seed: What the noise starts from.
    """

    white: float = 0.79
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.18
    noise: float = 2.0
    seed: int = 0


def developed(light: Floats, settings: Development) -> Image.Image:
    """Return the picture of linear light `[height, width, 3]`."""
    height, width = light.shape[:2]
    y, x = np.mgrid[:height, :width]
    radius = np.hypot((x - width / 2) / (width / 2), (y - height / 2) / (height / 2)) / np.sqrt(2)
    exposed = light * (1 - settings.vignette * radius**2)[..., None]
    edge = np.concatenate((exposed[0], exposed[-1], exposed[:, 0], exposed[:, -1]))
    exposed = exposed * settings.balance / np.median(edge) * settings.white**2.2
    # A shoulder: what is brighter than the board goes softly to white.
    toned = np.where(exposed < 0.6, exposed, 0.6 + 0.4 * (1 - np.exp(-(exposed - 0.6) / 0.4)))
    levels = np.clip(toned, 0, 1) ** (1 / 2.2)
    levels = levels - 0.05 * np.sin(2 * np.pi * levels)  # more contrast, as phones give
    random = np.random.default_rng(settings.seed)
    grain = random.normal(size=(height, width, 1)) + 0.5 * random.normal(size=light.shape)
    levels = levels + grain * settings.noise / 255 * (0.5 + levels * (1 - levels) * 2)[..., :1]
    picture = Image.fromarray(np.uint8(np.clip(levels, 0, 1) * 255 + 0.5))
    picture = picture.filter(ImageFilter.GaussianBlur(width / 1000)).filter(ImageFilter.UnsharpMask(width / 400, 60, 2))
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=90)
    return Image.open(stored).convert("RGB")
