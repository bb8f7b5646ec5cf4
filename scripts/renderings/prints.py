"""What is printed on labels and paper. Every name is invented."""

import random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Ink = tuple[int, int, int]
Box = tuple[int, int, int, int]
_WORDS = (
    *("the", "quarter", "notice", "of", "account", "due", "within", "days", "please", "keep", "this", "letter", "for"),
    *("service", "water", "meter", "number", "total", "amount", "enclosed", "office", "street", "hours", "payment"),
    *("reading", "balance", "previous", "current", "rate", "standing", "charge", "thank", "you", "customer", "contact"),
    *("open", "monday", "to", "friday", "change", "address", "form", "return", "by", "post", "copy", "sheet", "page"),
)


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own typeface."""
    return ImageFont.load_default(size)


def text(picture: Image.Image, where: tuple[float, float], words: str, size: float, ink: Ink, bold: int = 0) -> None:
    """Write a line, its middle at `where`."""
    ImageDraw.Draw(picture).text(where, words, fill=ink, font=font(size), anchor="mm", stroke_width=bold)


def lines(picture: Image.Image, box: Box, size: int, ink: Ink, seed: int) -> None:
    """Fill a box (left, top, right, bottom) with paragraphs of words."""
    draw, chosen = ImageDraw.Draw(picture), random.Random(seed)  # noqa: S311 - the same letter each time
    left, top, right, bottom = box
    y, written = float(top), font(size)
    while y < bottom:
        line = chosen.choice(_WORDS).capitalize()
        short = chosen.random() < 0.2
        end = left + (right - left) * (chosen.uniform(0.3, 0.8) if short else 1.0)
        while draw.textlength(f"{line} {(word := chosen.choice(_WORDS))}", written) < end - left:
            line += f" {word}"
        draw.text((left, y), line, fill=ink, font=written)
        y += size * (2.2 if short else 1.35)


def barcode(picture: Image.Image, box: Box, seed: int, ground: Ink | None = (255, 255, 255)) -> None:
    """Draw a barcode into a box (left, top, right, bottom), with digits under it."""
    draw, chosen = ImageDraw.Draw(picture), random.Random(seed)  # noqa: S311 - the same code each time
    left, top, right, bottom = box
    if ground:
        draw.rectangle(box, fill=ground)
    quiet = (right - left) / 12
    x, unit = left + quiet, (right - left - 2 * quiet) / 95
    foot = bottom - (bottom - top) * 0.2
    while x < right - quiet:
        bar = chosen.choice((1, 1, 2, 3)) * unit
        draw.rectangle((x, top + quiet / 2, x + bar, foot), fill=(20, 20, 20))
        x += bar + chosen.choice((1, 1, 2, 3)) * unit
    digits = " ".join(str(chosen.randrange(10)) for _ in range(13))
    draw.text(
        ((left + right) / 2, (foot + bottom) / 2),
        digits,
        fill=(20, 20, 20),
        anchor="mm",
        font=font((bottom - foot) * 0.8),
    )


def beer_label() -> Image.Image:
    """Draw a lager's label: blue and cream with a gold line and a lighthouse, 1400x600."""
    label = Image.new("RGB", (1400, 600), (22, 44, 96))
    draw = ImageDraw.Draw(label)
    for inset, ink in ((12, (196, 160, 74)), (24, (22, 44, 96))):
        draw.rectangle((inset, inset, 1399 - inset, 599 - inset), fill=ink)
    draw.ellipse((410, 60, 990, 540), fill=(236, 226, 200), outline=(196, 160, 74), width=10)
    draw.polygon([(672, 300), (728, 300), (718, 120), (682, 120)], fill=(150, 36, 34))
    for y in (150, 210, 270):
        draw.polygon([(676, y), (724, y), (722, y - 22), (678, y - 22)], fill=(244, 240, 230))
    draw.polygon([(676, 120), (724, 120), (700, 84)], fill=(22, 44, 96))
    draw.polygon([(728, 98), (960, 60), (960, 140)], fill=(240, 206, 110))
    draw.rectangle((330, 322, 1070, 442), fill=(150, 36, 34), outline=(196, 160, 74), width=6)
    text(label, (700, 380), "NORTH PIER", 100, (244, 238, 222), 3)
    text(label, (700, 482), "LAGER BEER", 46, (22, 44, 96), 1)
    barcode(label, (60, 330, 300, 520), seed=4)
    lines(label, (60, 70, 320, 300), 24, (226, 220, 204), seed=5)
    lines(label, (1110, 70, 1350, 520), 26, (226, 220, 204), seed=6)
    return label


def tomato_label() -> Image.Image:
    """Draw a tin's label: tomatoes on cream and red, torn off on its right, RGBA 1800x900."""
    label = Image.new("RGB", (1800, 900), (178, 28, 24))
    draw = ImageDraw.Draw(label)
    draw.rectangle((0, 150, 1800, 640), fill=(240, 228, 196))
    for y in (150, 628):
        draw.rectangle((0, y, 1800, y + 14), fill=(30, 96, 48))
    for centre, size in (((420, 420), 150), ((640, 470), 130), ((250, 500), 110), ((1330, 470), 120)):
        for ring in range(40):
            part = ring / 40
            left, top = (middle - part * size * 0.3 for middle in centre)
            radius = size * (1 - part * 0.9)
            draw.ellipse(
                (left - radius, top - radius, left + radius, top + radius),
                fill=(int(150 + 90 * part), int(20 + 70 * part**2), int(14 + 50 * part**2)),
            )
        leaf = [
            (centre[0] + dx * size / 2.2, centre[1] - size * 0.75 + dy * size / 3)
            for dx, dy in ((0, 0), (-1, -0.4), (-0.3, 0.1), (-0.7, 0.9), (0, 0.3), (0.7, 0.9), (0.3, 0.1), (1, -0.4))
        ]
        draw.polygon(leaf, fill=(44, 110, 40))
    text(label, (940, 300), "TOMATOES", 124, (150, 24, 20), 5)
    text(label, (960, 420), "peeled, in their own juice", 52, (40, 60, 36), 1)
    text(label, (900, 735), "CASA MILO", 120, (246, 232, 196), 4)
    lines(label, (1480, 190, 1760, 600), 28, (60, 40, 30), seed=8)
    barcode(label, (1500, 660, 1760, 860), seed=9)
    return _torn(label, seed=2)


def _torn(label: Image.Image, seed: int) -> Image.Image:
    """Tear the right part off, with a fringe of white fibres."""
    chosen = random.Random(seed)  # noqa: S311 - the same tear each time
    width, height = label.size

    def edge(right: float, rough: float) -> list[tuple[float, float]]:
        x, points = right, []
        for y in range(0, height + 12, 12):
            x += chosen.gauss(0, rough) - (x - right - 120 * (y / height - 0.5)) * 0.08
            points.append((x, float(y)))
        return points

    tear = edge(width * 0.70, 11)
    kept = Image.new("L", label.size)
    ImageDraw.Draw(kept).polygon([(0, 0), *tear, (0, height)], fill=255)
    inked = Image.new("L", label.size)
    ImageDraw.Draw(inked).polygon(
        [(0, 0), *((x - 16 - chosen.random() * 22, y) for x, y in tear), (0, height)], fill=255
    )
    white = Image.new("RGB", label.size, (236, 232, 224))
    white.paste(label, mask=inked.filter(ImageFilter.GaussianBlur(3)))
    white.putalpha(kept)
    return white


def water_label() -> Image.Image:
    """Draw a water bottle's wrap: blue with waves, 2000x500."""
    label = Image.new("RGB", (2000, 500), (20, 110, 186))
    draw = ImageDraw.Draw(label)
    for step in range(500):
        draw.line((0, step, 2000, step), fill=(14 + step // 16, 92 + step // 9, 178 + step // 12))
    draw.polygon(
        [(0, 400), *((x, 390 - 60 * abs((x / 180) % 2 - 1)) for x in range(0, 2001, 10)), (2000, 500), (0, 500)],
        fill=(228, 240, 248),
    )
    for middle in (420, 1420):
        text(label, (middle, 150), "KALDA", 190, (255, 255, 255), 6)
        text(label, (middle, 290), "spring water", 64, (224, 240, 252), 1)
    lines(label, (820, 40, 1060, 360), 26, (230, 242, 252), seed=10)
    barcode(label, (1790, 60, 1980, 300), seed=11)
    return label


def letter() -> Image.Image:
    """Draw a printed letter on white paper, 1240x1754."""
    page = Image.new("RGB", (1240, 1754), (238, 238, 235))
    text(page, (330, 150), "Lindholm Water", 58, (24, 60, 120), 2)
    ImageDraw.Draw(page).line((110, 200, 1130, 200), fill=(24, 60, 120), width=5)
    lines(page, (760, 90, 1120, 180), 24, (60, 60, 64), seed=12)
    lines(page, (110, 270, 560, 420), 30, (40, 40, 44), seed=13)
    text(page, (360, 520), "Your bill for the quarter", 46, (24, 24, 28), 2)
    lines(page, (110, 590, 1120, 1020), 30, (40, 40, 44), seed=14)
    draw = ImageDraw.Draw(page)
    for row in range(6):
        y = 1080 + row * 56
        draw.line((110, y, 1130, y), fill=(120, 124, 130), width=3)
        if row < 5:
            lines(page, (130, y + 10, 700, y + 20), 28, (40, 40, 44), seed=20 + row)
            text(page, (1040, y + 28), f"{17 + row * 13}.{40 + row}", 30, (40, 40, 44))
    lines(page, (110, 1420, 1120, 1640), 28, (40, 40, 44), seed=15)
    return page


def carton_print() -> Image.Image:
    """Draw what is printed on a carton's side: words, arrows, a barcode; dark ink on clear, RGBA 1500x700."""
    ink = (30, 26, 22)
    side = Image.new("RGB", (1500, 700), (255, 255, 255))
    draw = ImageDraw.Draw(side)
    text(side, (520, 170), "HALDEN & SONS", 104, ink, 4)
    text(side, (470, 290), "24 x 400 g   THIS SIDE UP", 56, ink, 1)
    for x in (1180, 1320):
        draw.polygon(
            [(x, 110), (x - 54, 200), (x - 18, 200), (x - 18, 310), (x + 18, 310), (x + 18, 200), (x + 54, 200)],
            fill=ink,
        )
    draw.line((1110, 336, 1390, 336), fill=ink, width=12)
    barcode(side, (120, 420, 560, 620), seed=30, ground=None)
    draw.rectangle((110, 410, 570, 630), outline=ink, width=10)
    draw.ellipse((1150, 430, 1350, 630), outline=ink, width=8)
    text(side, (1250, 500), "BOX CERTIFICATE", 20, ink)
    text(side, (1250, 540), "32 ECT", 38, ink, 1)
    return side


def snack_print() -> Image.Image:
    """Draw a bag of crisps: yellow and red with a bowl of chips, 1000x1300."""
    bag = Image.new("RGB", (1000, 1300), (232, 176, 24))
    draw = ImageDraw.Draw(bag)
    draw.polygon([(0, 0), (1000, 0), (1000, 330), (0, 480)], fill=(184, 26, 28))
    draw.polygon([(0, 480), (1000, 330), (1000, 356), (0, 506)], fill=(250, 240, 214))
    text(bag, (500, 210), "PEPPIO", 220, (255, 236, 190), 9)
    text(bag, (500, 560), "paprika chips", 92, (120, 20, 20), 2)
    chosen = random.Random(7)  # noqa: S311 - the same chips each time
    for _ in range(34):
        x, y = chosen.gauss(500, 170), chosen.gauss(860, 90)
        w, h = chosen.uniform(70, 120), chosen.uniform(40, 70)
        tone = chosen.uniform(0.8, 1.05)
        draw.ellipse(
            (x - w, y - h, x + w, y + h),
            fill=(int(222 * tone), int(168 * tone), int(78 * tone)),
            outline=(150, 92, 30),
            width=4,
        )
    draw.rectangle((0, 1090, 1000, 1300), fill=(184, 26, 28))
    text(bag, (260, 1180), "150 g", 80, (255, 236, 190), 2)
    barcode(bag, (700, 1110, 940, 1270), seed=31)
    draw.rectangle((40, 640, 250, 1060), fill=(250, 240, 214), outline=(60, 20, 16), width=4)
    lines(bag, (54, 656, 240, 1030), 24, (60, 20, 16), seed=32)
    lines(bag, (420, 1112, 660, 1270), 26, (255, 236, 190), seed=33)
    return bag
