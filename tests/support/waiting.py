"""Waiting for what comes true a moment later: processes that go, counts that a server adds up behind its answer."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], seconds: float = 120) -> bool:
    """Poll ``condition`` for up to ``seconds``: a machine may be slow, a leak lasts for ever."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
