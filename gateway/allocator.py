"""Gives memory back to the system when large buffers are freed."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 * 1024
_ARENAS = 2


def return_freed_memory() -> None:
    """Tells glibc's allocator to map large buffers one by one and to keep few pools; does nothing elsewhere.

    By default glibc raises the size from which it maps as soon as the first large buffer is freed, and then keeps
    decoded pictures and uploads in pools that never shrink again.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
    mallopt(_M_ARENA_MAX, _ARENAS)
