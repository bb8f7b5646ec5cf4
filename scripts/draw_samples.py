"""Draws the sample pictures and the picture that warms Triton up: ``bin-it-right dev draw-samples``.

They are drawings, no photos: they show that the service answers, not how well it judges. No photo of others is
committed.
"""

import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = Path(__file__).resolve().parent / "samples"
WARMUP = ROOT / "model_repository" / "preprocess" / "warmup" / "drawing.jpg"

WIDTH, HEIGHT = 480, 360
_SCALE = 3  # drawn larger and scaled down, for soft edges

Point = tuple[float, float]


class _Canvas:
    """A table top that takes shapes given in pixels of the finished picture."""

    def __init__(self, top: tuple[int, int, int], bottom: tuple[int, int, int], seed: int) -> None:
        self.image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), bottom)
        self._draw = ImageDraw.Draw(self.image, "RGBA")
        self._draw.rectangle((0, 0, WIDTH * _SCALE, HEIGHT * _SCALE // 3), fill=top)
        self.random = random.Random(seed)  # noqa: S311 - the same dents each time, no secrets

    def polygon(self, points: list[Point], fill: tuple[int, ...]) -> None:
        self._draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=fill)

    def ellipse(self, box: tuple[float, float, float, float], fill: tuple[int, ...]) -> None:
        self._draw.ellipse([value * _SCALE for value in box], fill=fill)

    def rectangle(self, box: tuple[float, float, float, float], fill: tuple[int, ...], radius: float = 0) -> None:
        self._draw.rounded_rectangle([value * _SCALE for value in box], radius * _SCALE, fill=fill)

    def finish(self) -> Image.Image:
        soft = self.image.filter(ImageFilter.GaussianBlur(_SCALE / 2))
        return soft.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def draw_bottle() -> Image.Image:
    """Draw a green glass bottle that stands on a table, RGB 480x360."""
    canvas = _Canvas((214, 220, 226), (176, 150, 122), seed=1)
    canvas.ellipse((160, 300, 340, 340), (60, 45, 30, 110))
    canvas.rectangle((190, 130, 290, 325), (38, 110, 62), radius=22)
    canvas.polygon([(192, 150), (222, 90), (258, 90), (288, 150)], (38, 110, 62))
    canvas.rectangle((222, 30, 258, 110), (44, 122, 70), radius=6)
    canvas.rectangle((218, 26, 262, 44), (30, 84, 50), radius=4)
    canvas.rectangle((204, 150, 216, 305), (190, 235, 205, 150), radius=6)
    canvas.rectangle((228, 50, 234, 130), (190, 235, 205, 130), radius=3)
    return canvas.finish()


def draw_box() -> Image.Image:
    """Draw an open cardboard box, RGB 480x360."""
    canvas = _Canvas((232, 230, 224), (128, 132, 138), seed=2)
    canvas.polygon([(110, 300), (390, 300), (420, 330), (140, 335)], (40, 40, 44, 120))
    canvas.polygon([(120, 140), (280, 165), (280, 320), (120, 285)], (181, 137, 89))
    canvas.polygon([(280, 165), (390, 135), (390, 275), (280, 320)], (156, 113, 70))
    canvas.polygon([(120, 140), (235, 115), (390, 135), (280, 165)], (96, 68, 42))
    canvas.polygon([(120, 140), (75, 100), (190, 75), (235, 115)], (198, 156, 107))
    canvas.polygon([(390, 135), (440, 105), (330, 75), (235, 115)], (190, 146, 98))
    for _ in range(60):
        x, y = canvas.random.uniform(125, 272), canvas.random.uniform(165, 285)
        canvas.rectangle((x, y, x + canvas.random.uniform(4, 22), y + 1), (150, 108, 66, 120))
    return canvas.finish()


def draw_can() -> Image.Image:
    """Draw a metal can, RGB 480x360."""
    canvas = _Canvas((238, 238, 236), (94, 120, 98), seed=3)
    canvas.ellipse((150, 285, 350, 340), (30, 40, 30, 120))
    for step in range(110):
        shade = 120 + int(110 * (1 - abs(step - 35) / 75)) if step < 110 else 120
        canvas.rectangle((185 + step, 90, 187 + step, 310), (shade, shade, min(255, shade + 6)))
    canvas.ellipse((185, 290, 296, 328), (150, 152, 156))
    canvas.rectangle((185, 150, 296, 250), (196, 44, 40, 190))
    canvas.ellipse((185, 70, 296, 110), (205, 207, 212))
    canvas.ellipse((197, 75, 284, 105), (176, 178, 184))
    canvas.ellipse((228, 82, 254, 98), (120, 122, 128))
    return canvas.finish()


def main() -> None:
    """Write every drawing to its place."""
    WARMUP.parent.mkdir(parents=True, exist_ok=True)
    SAMPLES.mkdir(exist_ok=True)
    draw_bottle().save(WARMUP, quality=85)
    draw_bottle().save(SAMPLES / "drawn_bottle.jpg", quality=85)
    draw_box().save(SAMPLES / "drawn_box.png", optimize=True)
    draw_can().save(SAMPLES / "drawn_can.webp", quality=85)


if __name__ == "__main__":
    main()
