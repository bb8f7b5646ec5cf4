"""Keeps a server answering: it is started again where a process of it has ended, or it fails its probe.

When a backend process dies, Triton goes on saying that it is ready, answers every request that comes to it with an
error, and does not start the process again. So the processes are looked at, and a real inference is asked for.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from embedded_triton.errors import EmbeddedTritonError
from embedded_triton.process.probe import ProbeError
from embedded_triton.settings import Settings

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0
_RECHECK = 0.5
_POLL = 0.1
#: Seconds between two checks that its processes run, which cost next to nothing.
_LOOK = 0.25
#: A server that has answered for this long has not failed because of its start.
_STABLE = 120.0


class Supervised(Protocol):
    """What the supervisor needs of a server."""

    def start(self) -> None:
        """Start it and return at once."""

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait until it answers; False where ``stop`` came first."""

    def lost(self) -> str | None:
        """Return which of its processes has ended; None while all run."""

    def probe(self, timeout: float, /) -> None:
        """Ask it; raise ProbeError where the answer is wrong or missing."""

    def terminate(self) -> None:
        """Tell it to stop."""

    def kill(self) -> None:
        """End it at once."""

    def stop(self) -> None:
        """Stop it and wait."""


class Supervisor:
    """Starts a server, watches it, and restarts it, in a thread of its own until it is stopped."""

    def __init__(
        self,
        server: Supervised,
        settings: Settings,
        *,
        report: Callable[[str], None],
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            server: what to keep alive.
            settings: how often it is probed, how long that may take, and after how many failures it is restarted.
            report: is called with a sentence about each restart.
        """
        self._server = server
        self._settings = settings
        self._report = report
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._ready = False
        self._error: EmbeddedTritonError | OSError | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to start the server; ``wait_until_ready`` says how it went."""
        self._thread.start()

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait for the first answer of every ensemble.

        Returns:
            Whether the server is ready; False where ``stop`` came first.

        Raises:
            EmbeddedTritonError: the first start failed.
            OSError: the machine did not let it start: no space for its private folder, say.
        """
        with self._changed:
            while not (self._ready or self._error or stop.is_set()):
                self._changed.wait(_POLL)
        if self._error:
            raise self._error
        return self._ready and not stop.is_set()

    def stop(self, hurry: threading.Event) -> None:
        """Stop the server and the watching; once ``hurry`` is set, kill instead of waiting."""
        self._stop.set()
        self._server.terminate()
        while self._thread.is_alive():
            if hurry.is_set():
                self._server.kill()
            self._thread.join(_POLL)

    def _run(self) -> None:
        backoff = _FIRST_BACKOFF
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    self._server.start()
                    if self._server.wait_until_ready(self._stop):
                        self._announce()
                        self._watch()
                except (EmbeddedTritonError, OSError) as exc:
                    if not self._ready:
                        self._fail(exc)
                        return
                    self._report(f"The restarted Triton server failed: {exc}")
                self._server.stop()
                if time.monotonic() - began > _STABLE:
                    backoff = _FIRST_BACKOFF
                if not self._stop.wait(0 if self._stop.is_set() else backoff):
                    backoff = min(2 * backoff, _LONGEST_BACKOFF)
        finally:
            self._server.stop()

    def _announce(self) -> None:
        with self._changed:
            if self._ready:
                self._report("The Triton server answers again.")
            self._ready = True
            self._changed.notify_all()

    def _fail(self, error: EmbeddedTritonError | OSError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _watch(self) -> None:
        """Return when the server must be restarted, or is to stop."""
        settings = self._settings
        failed, due = 0, time.monotonic() + settings.probe_interval
        while not self._stop.wait(min(_LOOK, settings.probe_interval)):
            if lost := self._server.lost():
                self._report(f"{lost}; Triton is started again.")
                return
            if time.monotonic() < due:
                continue
            try:
                self._server.probe(settings.probe_timeout)
                failed, due = 0, time.monotonic() + settings.probe_interval
            except ProbeError as exc:
                failed, due = failed + 1, time.monotonic() + _RECHECK
                if failed >= settings.probe_failures and not self._stop.is_set():
                    self._report(f"The Triton server fails its probe ({exc}); it is restarted.")
                    return
