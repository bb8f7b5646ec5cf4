"""Prepares images for Triton's decoder: checks JPEG scans, and converts what it does not take, without loss."""

import asyncio
import io
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gateway.errors import BrokenImage, damaged
from gateway.images import pillow
from gateway.images.header import ImageHeader
from imaging.decode import rendered
from imaging.jpeg import END, DamagedJpegError, is_whole

_MOST_PIXELS = 12_500_000
_LEAST_SIDE = 1000


class Transcoder:
    """A bounded pool of threads that decode pictures."""

    def __init__(self, threads: int) -> None:
        """Start nothing yet.

        Args:
            threads: how many pictures are decoded at a time.
        """
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="transcode")

    def run(self, function: Callable[..., bytes], *arguments: object) -> "asyncio.Future[bytes]":
        """Call a function that decodes pictures in one of the threads."""
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def close(self) -> None:
        """Let the threads end, and forget what waits for them."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def to_native(header: ImageHeader, *, finds_damage: bool = False) -> bytes:
    """Return the picture as a file that Triton's decoder takes, and shows as a browser does.

    A file that it does not take becomes a BMP, because writing it costs a copy and no compression: upright, on white
    where it is transparent, in eight bits. Above 12.5 megapixels blocks of pixels are averaged first: the networks look
    at a picture some hundred times smaller, where that makes no difference, and a file of 150 MB would be copied
    several times on its way.

    Args:
        header: of the picture.
        finds_damage: whether Triton's decoder refuses damaged JPEGs; else they are looked for here.

    Raises:
        BrokenImage: the picture cannot be decoded, or a JPEG is cut off or damaged.
    """
    if not header.native:
        return _to_bmp(header)
    if header.format != "JPEG":
        return header.content
    # What stands before a missing end marker is judged otherwise.
    content = header.content if header.has_end else header.content.removesuffix(END)
    if finds_damage:
        return content
    try:
        return header.content if is_whole(content) else _to_bmp(header)
    except DamagedJpegError as exc:
        raise damaged(str(exc)) from exc


def _to_bmp(header: ImageHeader) -> bytes:
    with pillow.opened(header.content, header.format) as image:
        if image.width * image.height > header.pixels:
            raise BrokenImage(f"The {header.format} file contradicts itself about its size. Send the original file.")
        try:
            picture = rendered(image)
        except Exception as exc:  # Pillow's plugins raise exceptions of any kind
            raise pillow.not_decoded(header.format, exc) from exc
    picture = picture.reduce(_factors(*picture.size))
    output = io.BytesIO()
    picture.save(output, "BMP")
    return output.getvalue()


def _factors(width: int, height: int) -> tuple[int, int]:
    """Return how many columns and rows become one; the longer side gives what the shorter one cannot."""
    needed = width * height / _MOST_PIXELS
    shorter = max(1, min(math.ceil(math.sqrt(needed)), min(width, height) // _LEAST_SIDE))
    longer = max(shorter, min(math.ceil(needed / shorter), max(width, height) // _LEAST_SIDE))
    return (longer, shorter) if width >= height else (shorter, longer)
