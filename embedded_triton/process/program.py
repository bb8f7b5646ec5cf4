"""A program that runs as a process of its own: started, awaited until it is ready, and stopped in any case."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from embedded_triton.errors import ServerStartError
from embedded_triton.process.managed import ManagedProcess

#: Seconds that a program has by default to end by itself.
STOP_SECONDS = 40.0
_START_SECONDS, _POLL = 240.0, 0.1
_LOG_END = 3000

Process = ManagedProcess | subprocess.Popen[bytes]


def describe_exit(status: int) -> str:
    """Say how a program has ended, by its exit status as a shell or ``subprocess`` gives it."""
    number = -status if status < 0 else status - 128
    if number <= 0 or number not in {each.value for each in signal.Signals}:
        return f"has ended with status {status}"
    told = f"was ended by {signal.Signals(number).name}"
    if number == signal.SIGKILL:
        return f"{told}: by somebody, or by the kernel for lack of memory (see `dmesg`)"
    return told


class Program:
    """Can be started, awaited and stopped, again and again; as a context manager it runs while the body does."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        grace: float = STOP_SECONDS,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            command: the program and its arguments.
            log: takes what it prints since its last start; None lets it print where this process does.
            environment: its environment variables; those of this process by default.
            grace: seconds between being told to stop and being killed.
        """
        self.command = list(command)
        self.log = log
        self._environment = dict(os.environ if environment is None else environment)
        self._grace = grace
        self._process: Process | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, whatever happened."""
        self.stop()

    def start(self) -> None:
        """Start it and return at once."""
        if self.log is None:
            self._process = self.spawn(None)
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self._process = self.spawn(output)

    def spawn(self, output: IO[bytes] | None) -> Process:
        """Start the process; it ends with this one."""
        return ManagedProcess(self.command, environment=self._environment, grace=self._grace, output=output)

    def wait(
        self, ready: Callable[[], bool], *, stop: threading.Event | None = None, seconds: float = _START_SECONDS
    ) -> bool:
        """Wait until ``ready`` says so.

        Args:
            ready: is asked again and again.
            stop: ends the waiting early.
            seconds: how long it may take.

        Returns:
            Whether it is ready; False where ``stop`` came first.

        Raises:
            ServerStartError: it ended, or took too long.
        """
        module = self.command[self.command.index("-m") + 1] if "-m" in self.command else None
        name = f"`python -m {module}`" if module else self.command[0]
        pause, end = stop or threading.Event(), time.monotonic() + seconds
        while not pause.is_set():
            if (status := self.poll()) is not None:
                raise ServerStartError(f"{name} {describe_exit(status)} while it was starting.", self.end_of_log())
            if ready():
                return True
            if time.monotonic() > end:
                raise ServerStartError(f"{name} was not ready within {seconds:.0f} s.", self.end_of_log())
            pause.wait(_POLL)
        return False

    def end_of_log(self) -> str:
        """Return the last lines that it printed, with a sentence before them."""
        if self.log is None:
            return "What it printed says why."
        return f"The end of {self.log}:\n{self.log.read_text(errors='replace')[-_LOG_END:]}"

    @property
    def pid(self) -> int:
        """The process id of the parent of all that belongs to it."""
        assert self._process is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status; None while it runs, and before it was started."""
        return None if self._process is None else self._process.poll()

    def is_up(self) -> bool:
        """Say whether it runs."""
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        """Tell it to stop; ``stop`` waits for it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, hurry: threading.Event | None = None) -> int:
        """Stop it, and return its exit status; 0 where it was not started.

        Args:
            hurry: once set, it is killed instead of waited for.
        """
        if self._process is None:
            return 0
        self._process.terminate()
        while hurry is not None and self._process.poll() is None:
            if hurry.wait(_POLL):
                self._process.kill()
                break
        status, self._process = self._process.wait(), None
        return status
