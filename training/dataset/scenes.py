"""Views of a photo as other places would give them: another background, another light, another camera.

``training.dataset.augmentation`` changes whole batches by what tensors do quickly. What is here works on one picture at
a time, by Pillow, and its views are made before a training begins (``training.dataset.views``).
"""

import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from training.dataset.cutout import cut_out

Array = np.ndarray
Generator = np.random.Generator


class Backgrounds:
    """Backgrounds to lay things on: parts of photos from other places, general pictures, plain colours."""

    def __init__(self, surroundings: Sequence[Array], general: Sequence[bytes], size: int) -> None:
        """Take what backgrounds are made of.

        Args:
            surroundings: photos, UINT8 [size, size, 3]; a part of them is enlarged, so that no whole thing is seen.
            general: encoded pictures of whatever there is, small ones.
            size: edge of a background in pixels.
        """
        self._surroundings, self._general, self._size = surroundings, general, size

    def draw(self, random: Generator) -> Image.Image:
        """Return a background, an RGB image of the size."""
        kind, size = random.random(), self._size
        if kind < 0.65 and len(self._surroundings):
            photo = Image.fromarray(self._surroundings[int(random.integers(len(self._surroundings)))])
            side = random.uniform(0.25, 0.6) * photo.width
            # Near the edge, mostly: the middle shows the thing.
            left, top = (random.choice([0.0, 1.0, random.random()]) * (photo.width - side) for _ in range(2))
            background = photo.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
        elif kind < 0.85 and len(self._general):
            encoded = self._general[int(random.integers(len(self._general)))]
            with Image.open(io.BytesIO(encoded)) as picture:
                background = picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
        else:
            background = _plain_background(random, size)
        return background.rotate(90 * int(random.integers(4)))


def _plain_background(random: Generator, size: int) -> Image.Image:
    first, second = random.integers(0, 256, 3), random.integers(0, 256, 3)
    slope = np.linspace(0, 1, size)[None, :, None] * (random.random() < 0.6)
    colours = (first * (1 - slope) + second * slope) * np.ones((size, 1, 1))
    colours += random.normal(0, random.uniform(0, 14), (size, size, 1))
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


def views(photo: Array, count: int, size: int, backgrounds: Backgrounds | None, random: Generator) -> Array:
    """Return views of a photo, UINT8 [count, size, size, 3].

    Args:
        photo: UINT8 [S, S, 3], the whole photo squeezed into a square.
        count: how many.
        size: their edge in pixels.
        backgrounds: backgrounds for things that can be cut out; None leaves every thing where it lies.
        random: draws everything.
    """
    thing = cut_out(photo) if backgrounds is not None else None
    return np.stack([_view(photo, thing, size, backgrounds, random) for _ in range(count)])


def _view(photo: Array, thing: Array | None, size: int, backgrounds: Backgrounds | None, random: Generator) -> Array:
    image = Image.fromarray(photo)
    if thing is not None and backgrounds is not None and random.random() < 0.6:
        image = _elsewhere(image, thing, backgrounds.draw(random), random)
    image = _part(image, size, random)
    if random.random() < 0.8:
        image = _light(image, random)
    image = _camera(image, random)
    pixels = np.array(image)
    if random.random() < 0.15:
        height, width = (random.uniform(0.15, 0.45, 2) * size).astype(int)
        top, left = int(random.uniform(0, size - height)), int(random.uniform(0, size - width))
        pixels[top : top + height, left : left + width] = random.integers(0, 256, 3)
    return pixels


def _elsewhere(photo: Image.Image, thing: Array, background: Image.Image, random: Generator) -> Image.Image:
    """Lay the thing on another background: often smaller, turned, partly outside; in its light, with a shadow."""
    size = photo.width
    mask = Image.fromarray((thing * 255).astype(np.uint8))
    if random.random() < 0.55:
        scale = random.uniform(0.45, 0.95)
        width, height = int(size * scale * random.uniform(0.85, 1.15)), int(size * scale)
        angle = random.uniform(-180, 180) if random.random() < 0.6 else 0.0
        place = tuple(int(random.uniform(-0.12 * size, 1.12 * size - side)) for side in (width, height))
        photo, mask = (_placed(image, (width, height), angle, (place[0], place[1])) for image in (photo, mask))
    if random.random() < 0.5:
        brightness = 0.55 + 0.6 * float(np.asarray(background).mean()) / 255
        photo = photo.point(lambda level: min(255, round(level * brightness)))
    if random.random() < 0.4:
        shadow = mask.filter(ImageFilter.GaussianBlur(random.uniform(4, 10))).point(lambda level: level // 2)
        offset = int(random.integers(-12, 13)), int(random.integers(0, 13))
        moved = _placed(shadow, shadow.size, 0.0, offset)
        background = Image.composite(Image.new("RGB", background.size), background, moved)
    return Image.composite(photo, background, mask)


def _placed(image: Image.Image, size: tuple[int, int], angle: float, place: tuple[int, int]) -> Image.Image:
    placed = Image.new(image.mode, image.size)
    placed.paste(image.rotate(angle, Image.Resampling.BILINEAR).resize(size, Image.Resampling.BILINEAR), place)
    return placed


def _part(image: Image.Image, size: int, random: Generator) -> Image.Image:
    """Take a part of the picture, mirror and turn it."""
    area, ratio = random.uniform(0.35, 1), math.exp(random.uniform(-0.35, 0.35))
    width, height = (min(1.0, math.sqrt(share)) * image.width for share in (area * ratio, area / ratio))
    left, top = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.random() < 0.5:
        image = image.rotate(90 * int(random.integers(1, 4)))
    if random.random() < 0.2:
        red, green, blue = (int(level) for level in np.asarray(image).reshape(-1, 3).mean(axis=0))
        image = image.rotate(random.uniform(-25, 25), Image.Resampling.BILINEAR, fillcolor=(red, green, blue))
    return image


def _light(image: Image.Image, random: Generator) -> Image.Image:
    """Change gamma, exposure, colour cast, saturation and contrast; some pictures become dark, some noisy."""
    levels = np.asarray(image).astype(np.float32) / 255
    levels = levels ** math.exp(random.normal(0, 0.28)) * math.exp(random.normal(0, 0.18))
    levels = levels * np.exp(random.normal(0, 0.07, 3)).astype(np.float32)
    grey = levels.mean(axis=-1, keepdims=True)
    levels = grey + (levels - grey) * (math.exp(random.normal(0, 0.35)) if random.random() < 0.9 else 0)
    middle = levels.mean()
    levels = middle + (levels - middle) * math.exp(random.normal(0, 0.2))
    if random.random() < 0.1:
        levels = levels * random.uniform(0.25, 0.6)
    if random.random() < 0.1:
        levels = levels + random.normal(0, 0.05, levels.shape)
    return Image.fromarray((levels.clip(0, 1) * 255).astype(np.uint8))


def _camera(image: Image.Image, random: Generator) -> Image.Image:
    """Blur by focus, by motion or by a coarse sensor; then damage by JPEG."""
    defects: tuple[tuple[float, Callable[[Image.Image, Generator], Image.Image]], ...] = (
        (0.12, lambda picture, draw: picture.filter(ImageFilter.GaussianBlur(draw.uniform(0.6, 2.2)))),
        (0.10, _motion),
        (0.12, _coarse),
    )
    kind = random.random()
    for share, defect in defects:
        if kind < share:
            image = defect(image, random)
            break
        kind -= share
    if random.random() < 0.3:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(random.integers(15, 75)))
        image = Image.open(file).convert("RGB")
    return image


def _motion(image: Image.Image, random: Generator) -> Image.Image:
    length, angle = int(random.integers(5, 13)), random.uniform(0, math.pi)
    kernel = np.zeros((length, length), dtype=np.float32)
    for step in np.linspace(0.5 - length / 2, length / 2 - 0.5, 2 * length):
        kernel[int(length / 2 + step * math.sin(angle)), int(length / 2 + step * math.cos(angle))] = 1
    levels = np.asarray(image).astype(np.float32)
    blurred = ndimage.convolve(levels, kernel[..., None] / kernel.sum(), mode="mirror")
    return Image.fromarray(blurred.clip(0, 255).astype(np.uint8))


def _coarse(image: Image.Image, random: Generator) -> Image.Image:
    side = int(image.width * random.uniform(0.25, 0.7))
    return image.resize((side, side), Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BICUBIC)
