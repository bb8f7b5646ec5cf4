"""Keeps what decoders in C write to the standard error: nobody could tell which request's image it is about."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2
_MOST_BYTES = 4096
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def caught_messages(lines: list[str]) -> Iterator[None]:
    """Append the first lines that the process writes to its standard error within the block, and drop the rest.

    Other threads' lines are among them. Where the process dies within the block, its last words are lost.
    """
    # A pipe that is full refuses what comes: no file can fill the memory with messages.
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    kept = os.dup(_STANDARD_ERROR)
    os.dup2(writer, _STANDARD_ERROR)
    os.close(writer)
    try:
        yield
    finally:
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)
        text = os.read(reader, _MOST_BYTES).decode(errors="replace")
        os.close(reader)
        lines += filter(None, (line.strip() for line in _COLOUR.sub("", text).splitlines()))
