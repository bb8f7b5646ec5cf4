"""Drawn photos of TrashNet's size, for machines where no real ones are."""

import io

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 512, 384


def drawn_photos(count: int, seed: int = 0) -> list[bytes]:
    """JPEG files of 512x384 pixels with detail at every scale, as photos have: about 40 KB each, no two alike."""
    generator = np.random.default_rng(seed)
    return [_drawn(generator) for _ in range(count)]


def _drawn(generator: np.random.Generator) -> bytes:
    pixels = np.full((HEIGHT, WIDTH, 3), 128.0)
    for side, strength in ((3, 60), (12, 30), (48, 15), (192, 9)):
        coarse = generator.integers(0, 256, (side, side * WIDTH // HEIGHT, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        pixels += (np.asarray(layer) - 127.5) / 127.5 * strength
    output = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(output, "JPEG", quality=90)
    return output.getvalue()
