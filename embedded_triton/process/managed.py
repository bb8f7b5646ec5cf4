"""Starts a program that cannot outlive whoever started it; see ``embedded_triton.process.subreaper``."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


class ManagedProcess:
    """A program behind a lifeline pipe: it ends when told to, and at once when this process ends in whatever way."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        grace: float,
        output: IO[bytes] | int | None = None,
        shared_memory_prefix: str | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start ``command``.

        Args:
            command: the program and its arguments.
            environment: its environment variables.
            grace: seconds between being told to stop and being killed.
            output: where its standard output and error go, as ``subprocess`` takes it; this process's own by default.
            shared_memory_prefix: begins the names of the segments to remove when it has ended.
            folder: a private folder to remove when it has ended.
        """
        self._grace = grace
        self._process = subprocess.Popen(
            [sys.executable, "-m", "embedded_triton.process.subreaper"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=dict(environment),
            start_new_session=True,
        )
        job = {"command": list(command), "grace": grace, "shared_memory_prefix": shared_memory_prefix}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**job, "folder": str(folder) if folder else None}).encode() + b"\n")
        self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """The process id of the subreaper, the program's parent."""
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes] | None:
        """What the program prints, where ``output`` was ``subprocess.PIPE``."""
        return self._process.stdout

    def poll(self) -> int | None:
        """Return the exit status, or None while the program runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Tell the program to stop; it is killed when the time of grace is over."""
        self._process.terminate()

    def kill(self) -> None:
        """Close the lifeline: the program and all of its descendants are killed at once."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the program has ended and been cleaned up after, and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        status = self._process.wait(timeout)
        self.kill()
        return status

    def stop(self) -> int:
        """Stop the program gently, wait, and return its exit status."""
        self.terminate()
        return self.wait()
