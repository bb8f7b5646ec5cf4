"""Keeps the server's noisy log in a file of limited size and lets only what matters through."""

import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from embedded_triton.errors import ServerStartError

#: ``--log-format=ISO8601``: the time, then the first letter of the severity.
_TROUBLE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:]+Z [WEF] ")
#: What the server says on every machine without a GPU, as a warning or an error.
_NO_GPU = re.compile(r"CUDA|Cuda|pinned system memory|DCGM|NVML")
_KEPT = 40
#: Bytes of the file, after which it becomes ``NAME.1`` and a new one begins; together they hold twice as much.
_LIMIT = 32 << 20
#: Seconds after a failed write until the file is tried again.
_RETRY_SECONDS = 30.0


class ServerLog:
    """Takes the server's output line by line, from one start after another; no failed write ends that."""

    def __init__(self, path: Path | None, report: Callable[[str], None], *, has_gpu: bool, limit: int = _LIMIT) -> None:
        """Begin a new log.

        Args:
            path: the file that takes every line; None passes all on to standard output, as containers want it.
            report: is called with each warning and error, where there is a file.
            has_gpu: without one, what the server says about missing CUDA is no trouble.
            limit: bytes after which the file is put aside and a new one begins.

        Raises:
            ServerStartError: the file cannot be made.
        """
        self._file = None if path is None else _File(path, report, limit)
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
        # The server ends at its next line once nobody reads: so nothing here may end before the stream does.
        with stream:
            for line in stream:
                text = line.decode(errors="replace").rstrip()
                self._lines.append(text)
                if self._file is not None:
                    self._file.write(line)
                else:
                    with suppress(OSError, ValueError):  # full, or closed at the other end
                        sys.stdout.buffer.write(line)
                        sys.stdout.buffer.flush()
                if self._report and not self._muted and self._is_trouble(text):
                    with suppress(OSError):
                        self._report(text)
        if self._file is not None:
            self._file.close()

    def _is_trouble(self, line: str) -> bool:
        return bool(_TROUBLE.match(line)) and (self._has_gpu or not _NO_GPU.search(line))


class _File:
    """A file of limited size that goes without lines while it cannot be written."""

    def __init__(self, path: Path, report: Callable[[str], None], limit: int) -> None:
        self._path, self._report, self._limit = path, report, limit
        self._open: IO[bytes] | None = None
        self._retry = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        except OSError as exc:
            raise ServerStartError(
                f"The log {path} cannot be written: {exc.strerror or exc}.",
                "Name another place: `--logs FOLDER` of `bin-it-right serve`, `--log FILE` of "
                "`python -m embedded_triton`.",
            ) from exc

    def write(self, line: bytes) -> None:
        """Append a line; where that fails, say so once and try again later."""
        if time.monotonic() < self._retry:
            return
        try:
            if self._open is None:
                self._open = self._path.open("ab", buffering=0)
            if self._open.tell() + len(line) > self._limit:
                self._open.close()
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
                self._open = self._path.open("ab", buffering=0)
            self._open.write(line)
        except OSError as exc:
            self.close()
            self._retry = time.monotonic() + _RETRY_SECONDS
            with suppress(OSError):
                self._report(f"Lines of the log {self._path} are lost: {exc.strerror or exc}. The server goes on.")

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with suppress(OSError):
            if self._open is not None:
                self._open.close()
        self._open = None
