"""What a service may leave behind when it ends: ports, processes, segments of shared memory."""

import socket
from collections.abc import Iterable
from pathlib import Path

import psutil


def has_left_nothing(ports: Iterable[int], processes: Iterable[psutil.Process], prefix: str) -> bool:
    """Say whether the ports are free, no process runs, and no segment in /dev/shm begins with the prefix."""
    if any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes):
        return False
    if any(path.name.startswith(prefix) for path in Path("/dev/shm").iterdir()):
        return False
    return all(map(_is_free, ports))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
