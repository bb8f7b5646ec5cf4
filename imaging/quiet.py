"""Pillow and its libtiff, kept from writing about clients' files: no line of a log would name the request."""

import ctypes
import logging
import re
import warnings
from functools import cache
from pathlib import Path

from PIL import Image

# Others, such as DALI's, have a copy that nobody else can reach.
_LIBTIFF = re.compile(r"/.*/libtiff(?:-\w+)?\.so.*$", re.MULTILINE)


@cache
def silence_pillow() -> None:
    """Turn off Pillow's warnings and log, and libtiff's errors, for the whole process.

    What cannot be shown raises an error all the same. Pillow turns libtiff's warnings off by itself, but each fault
    of a file still makes a line on the standard error.
    """
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"PIL\.")
    Image.core  # type: ignore[attr-defined]  # noqa: B018 - loads Pillow's library, and libtiff with it
    for path in set(_LIBTIFF.findall(Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace"))):
        ctypes.CDLL(path).TIFFSetErrorHandler(None)
