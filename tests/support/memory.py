"""What a block of code allocates."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_at_most(limit: int) -> Iterator[None]:
    """Fail where Python's objects take more bytes within the block than ``limit``, beside those that are there."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= limit, f"{peak} bytes"
