"""Turns the signals that ask a program to stop into two events: the first stops it, a second one makes it hurry."""

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Set ``stop`` at the first of SIGINT, SIGTERM and SIGHUP, and ``hurry`` at the second."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.hurry = threading.Event()

    def install(self) -> None:
        """Take over the signals; only the main thread may."""
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()
