"""Keeps the server's noisy log in a file and lets only what matters through."""

import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

#: ``--log-format=ISO8601``: the time, then the first letter of the severity.
_TROUBLE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:]+Z [WEF] ")
#: What the server says on every machine without a GPU, as a warning or an error.
_NO_GPU = re.compile(r"CUDA|Cuda|pinned system memory|DCGM|NVML")
_KEPT = 40


class ServerLog:
    """Takes the server's output line by line, from one start after another."""

    def __init__(self, path: Path | None, report: Callable[[str], None], *, has_gpu: bool) -> None:
        """Begin a new log.

        Args:
            path: the file that takes every line; None passes all on to standard output, as containers want it.
            report: is called with each warning and error, where there is a file.
            has_gpu: without one, what the server says about missing CUDA is no trouble.
        """
        self._path = path
        if path is not None:
            path.write_bytes(b"")
        self._report = report if path is not None else None
        self._has_gpu = has_gpu
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._thread: threading.Thread | None = None
        self._muted = False

    def follow(self, stream: IO[bytes]) -> None:
        """Take lines from ``stream`` until it ends, in a thread of its own."""
        self._lines.clear()
        self._muted = False
        self._thread = threading.Thread(target=self._pump, args=(stream,), name="server-log", daemon=True)
        self._thread.start()

    def mute(self) -> None:
        """Report nothing more of this start: what a server complains about while it is stopped is no trouble."""
        self._muted = True

    def last_lines(self) -> list[str]:
        """Return the last lines that the server said, once its output has ended."""
        if self._thread is not None:
            self._thread.join(timeout=2)
        return list(self._lines)

    def _pump(self, stream: IO[bytes]) -> None:
        with stream, self._open() as file:
            for line in stream:
                file.write(line)
                file.flush()
                text = line.decode(errors="replace").rstrip()
                self._lines.append(text)
                if self._report and not self._muted and self._is_trouble(text):
                    self._report(text)

    def _is_trouble(self, line: str) -> bool:
        return bool(_TROUBLE.match(line)) and (self._has_gpu or not _NO_GPU.search(line))

    def _open(self) -> AbstractContextManager[IO[bytes]]:
        return nullcontext(sys.stdout.buffer) if self._path is None else self._path.open("ab")
