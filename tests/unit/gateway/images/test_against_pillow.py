"""Mutated files of every format: what Pillow shows whole is answered, and nothing but an image error is raised.

Files that Triton's decoder takes as they are may still be damaged: it refuses them itself.
"""

import io
import random

import pytest
from PIL import Image

from gateway.errors import BrokenImage, ImageError
from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from tests.support.pictures import ALL, bottle

# Pillow says so and reads on.
pytestmark = pytest.mark.filterwarnings("ignore")
LIMIT = 1_000_000
FILES = {name: write(bottle(48, 32)) for name, write in ALL.items()}


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change, cut out, double, put in or cut off a few bytes, most often near the beginning."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(min(len(data), chance.choice((200, len(data)))))
        length = chance.randint(1, chance.choice((1, 4, 64)))
        match chance.randrange(6):
            case 0:
                data[at : at + length] = chance.randbytes(length)
            case 1:
                del data[at + 4 : at + 4 + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at:at] = chance.randbytes(length)
            case 4:
                data[at] ^= 1 << chance.randrange(8)
            case 5:
                del data[max(4, len(data) - length) :]
    return bytes(data)


def shown_by_pillow(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > LIMIT:
                return False
            image.load()
    except Exception:  # whatever a parser stumbles over
        return False
    return True


@pytest.mark.parametrize("name", FILES)
def test_mutated_files(name: str) -> None:
    chance = random.Random(name)
    for _ in range(60):
        data = mutated(FILES[name], chance)
        refusal, header, served = "", None, b""
        try:
            header = inspect(data, LIMIT)
            served = to_native(header)
        except BrokenImage as exc:
            refusal = str(exc)
        except ImageError:
            continue
        if served:
            assert header is not None
            assert header.pixels <= LIMIT
            assert header.native or shown_by_pillow(served)
        elif not (name.startswith("JPEG") and ("damaged" in refusal or "cut off" in refusal)):
            # libjpeg goes on behind damage, and Pillow says nothing of it. All else is refused by both.
            assert not shown_by_pillow(data), (refusal, data)
