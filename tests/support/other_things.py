"""Drawings of things that are no garbage: nothing should be said about them with confidence."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

SIZE = 384
_Colour = tuple[int, int, int]


def flower() -> Image.Image:
    """Draw a red flower in front of leaves."""
    image = Image.new("RGB", (SIZE, SIZE), (52, 96, 44))
    draw = ImageDraw.Draw(image)
    numbers = random.Random(1)
    for _ in range(140):
        x, y, length = numbers.randrange(SIZE), numbers.randrange(SIZE), numbers.randrange(20, 60)
        green = numbers.randrange(70, 150)
        draw.ellipse((x, y, x + length, y + length // 3), fill=(green // 2, green, green // 3))
    draw.line((192, 200, 210, SIZE), fill=(60, 120, 40), width=9)
    for petal in range(9):
        angle = 2 * math.pi * petal / 9
        across, down = 192 + 66 * math.cos(angle), 180 + 66 * math.sin(angle)
        red = (205 + 5 * (petal % 3), 40 + 9 * (petal % 4), 78)
        draw.ellipse((across - 44, down - 44, across + 44, down + 44), fill=red)
    draw.ellipse((152, 140, 232, 220), fill=(238, 190, 52))
    return image.filter(ImageFilter.GaussianBlur(1.2))


def diagram() -> Image.Image:
    """Draw a bar chart with axes and labels."""
    image = Image.new("RGB", (SIZE, SIZE), "white")
    draw = ImageDraw.Draw(image)
    draw.line((48, 24, 48, 340, 360, 340), fill="black", width=2)
    for bar, height in enumerate((120, 210, 90, 260, 170, 60)):
        left = 66 + 48 * bar
        draw.rectangle((left, 340 - height, left + 30, 339), fill=((31, 119, 180), (255, 127, 14))[bar % 2])
        draw.text((left + 4, 348), f"Q{bar + 1}", fill="black")
    for level in range(5):
        draw.line((44, 340 - 65 * level, 360, 340 - 65 * level), fill=(200, 200, 200))
        draw.text((12, 334 - 65 * level), str(100 * level), fill="black")
    draw.text((140, 8), "Visitors by quarter", fill="black")
    return image


def screenshot() -> Image.Image:
    """Draw a window of a program with a list and text."""
    image = Image.new("RGB", (SIZE, SIZE), (246, 247, 249))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE, 30), fill=(44, 62, 92))
    for button, colour in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
        draw.ellipse((10 + 20 * button, 9, 22 + 20 * button, 21), fill=colour)
    draw.rectangle((0, 31, 104, SIZE), fill=(228, 232, 240))
    for row in range(11):
        draw.text((12, 44 + 30 * row), f"Message {row + 1}", fill=(40, 50, 70))
    for row in range(20):
        words = " ".join(
            ("meeting", "report", "by", "Monday", "please", "reply")[(row + word) % 6] for word in range(6)
        )
        draw.text((120, 50 + 16 * row), words[: 30 + 7 * (row % 3)], fill=(20, 20, 20))
    draw.rectangle((270, 346, 366, 372), fill=(40, 110, 220))
    draw.text((300, 353), "Send", fill="white")
    return image


def portrait() -> Image.Image:
    """Draw a face with hair and shoulders."""
    image = Image.new("RGB", (SIZE, SIZE), (122, 148, 176))
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 290, 344, 520), fill=(70, 60, 110))
    draw.rectangle((160, 240, 224, 320), fill=(205, 160, 130))
    draw.ellipse((98, 50, 286, 250), fill=(62, 42, 30))
    draw.ellipse((116, 78, 268, 282), fill=(224, 180, 150))
    for eye in (158, 226):
        draw.ellipse((eye - 16, 160, eye + 16, 178), fill="white")
        draw.ellipse((eye - 7, 161, eye + 7, 177), fill=(60, 80, 60))
        draw.arc((eye - 22, 138, eye + 22, 166), 200, 340, fill=(62, 42, 30), width=5)
    draw.line((192, 172, 186, 212, 200, 214), fill=(180, 130, 105), width=4)
    draw.arc((156, 212, 228, 250), 15, 165, fill=(170, 60, 70), width=7)
    return image.filter(ImageFilter.GaussianBlur(1.5))


def empty_table() -> Image.Image:
    """Draw a wooden table with nothing on it, on a tiled floor in front of a wall."""
    image = Image.new("RGB", (SIZE, SIZE), (206, 200, 190))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 230, SIZE, SIZE), fill=(150, 148, 150))
    for line in range(-6, 7):
        draw.line((192 + 24 * line, 230, 192 + 90 * line, SIZE), fill=(128, 126, 128), width=2)
    for left in (70, 110, 262, 302):
        draw.rectangle((left, 190, left + 14, 330 if left in (70, 302) else 290), fill=(104, 70, 42))
    draw.polygon(((100, 150), (284, 150), (336, 196), (48, 196)), fill=(150, 104, 64))
    draw.rectangle((48, 196, 336, 210), fill=(120, 82, 50))
    numbers = random.Random(2)
    for _ in range(30):
        share, tone = numbers.random(), numbers.randrange(-14, 14)
        draw.line((100 + 184 * share, 151, 48 + 288 * share, 195), fill=(150 + tone, 104 + tone, 64 + tone), width=2)
    return image.filter(ImageFilter.GaussianBlur(1.2))


#: By name.
OTHER_THINGS = {each.__name__: each for each in (flower, diagram, screenshot, portrait, empty_table)}
