"""JPEG by TurboJPEG, which reports libjpeg's warnings: whether the scans are whole. Pillow and DALI do not."""

import math
import re
from typing import Any

import numpy as np
import simplejpeg

Array = np.ndarray[Any, np.dtype[np.uint8]]

START, END = b"\xff\xd8", b"\xff\xd9"
#: Begins the message of every `DamagedJpegError`; a server that says it has looked for damage.
DAMAGED = "The JPEG file is cut off or damaged"

# libjpeg's warnings about the data of a scan.
_DAMAGE = re.compile(r"premature end|bad (Huffman|arithmetic) code|found marker", re.IGNORECASE)
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker (0x\w\w)")
_FEW_BYTES = 8  # cameras leave so many behind a scan
_FILL = 40  # equal bytes in a row that a scan hardly has


class DamagedJpegError(OSError):
    """The scans of a JPEG are cut off or damaged."""

    def __init__(self, warning: str) -> None:
        super().__init__(f"{DAMAGED} ({warning}).")


def with_end(content: bytes) -> bytes:
    """Return a JPEG file that ends with an end marker."""
    return content if content.endswith(END) else content + END


def is_whole(content: bytes) -> bool:
    """Decode the scans at an eighth of the size, for the warnings that libjpeg gives then.

    Damage that leaves no trace in the codes is not seen: the code finds back into step by itself.

    Args:
        content: a JPEG file, with or without its end marker.

    Returns:
        Whether the picture is known to be whole; False where TurboJPEG does not take this kind of file.

    Raises:
        DamagedJpegError: the scans are cut off or damaged.
    """
    try:
        simplejpeg.decode_jpeg(with_end(content), "GRAY", min_height=1, min_width=1)
    except ValueError as exc:
        return _is_harmless(str(exc), content)
    return True


def decoded(content: bytes, width: int, height: int, scale: int = 1) -> Array | None:
    """Decode a picture, and look for damage meanwhile.

    Args:
        content: a JPEG file, with or without its end marker.
        width: of the picture in pixels.
        height: likewise.
        scale: 1, 2, 4 or 8: the part of the size at which libjpeg decodes it, rounded up.

    Returns:
        RGB, UINT8 ``[height, width, 3]``; None where TurboJPEG does not take this kind of file.

    Raises:
        DamagedJpegError: the scans are cut off or damaged.
    """
    least = {"min_width": math.ceil(width / scale), "min_height": math.ceil(height / scale)}
    whole = with_end(content)
    try:
        return simplejpeg.decode_jpeg(whole, "RGB", **least)  # type: ignore[no-any-return]
    except ValueError as exc:
        if not _is_harmless(str(exc), content):
            return None
    return simplejpeg.decode_jpeg(whole, "RGB", **least, strict=False)  # type: ignore[no-any-return]


def with_extraneous_bytes(content: bytes) -> bytes:
    """Return a whole JPEG file with bytes behind its scan: the damage that changes no pixel."""
    return content[: -len(END)] + bytes(range(1, 33)) + END


def _is_harmless(warning: str, content: bytes) -> bool:
    """Return whether a warning is known to mean nothing; raise where it means damage."""
    extraneous = _EXTRANEOUS.search(warning)
    if extraneous is None:
        is_damage = bool(_DAMAGE.search(warning))
    else:
        is_damage = not _is_padding(content, int(extraneous[1]), extraneous[2])
    if is_damage:
        raise DamagedJpegError(warning)
    return extraneous is not None


def _is_padding(content: bytes, length: int, marker: str) -> bool:
    """Return whether so many bytes that no code needs are a camera's padding, or a trailer of a picture without end."""
    if length <= _FEW_BYTES:
        return True
    if marker != "0xd9":
        return False
    scan = content.removesuffix(END)
    # A file that was cut off and filled up has the same bytes before: they were taken for codes.
    before = scan[-length - _FILL : -length]
    return (len(set(scan[-length:])) == 1 or scan is content) and len(set(before)) > 1
