"""Addresses and ports; finds out beforehand whether the server can listen: its own message names no remedy."""

import socket
from collections.abc import Mapping

from embedded_triton.errors import PortBusyError

LOOPBACK = "127.0.0.1"
#: Addresses that mean every interface of the machine, each with one that a program of this machine can ask.
_EVERY_INTERFACE = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}  # noqa: S104 - compared, not bound


def reachable_host(host: str) -> str:
    """Return the address by which this machine reaches what listens on ``host``."""
    return _EVERY_INTERFACE.get(host, host)


def in_url(host: str) -> str:
    """Return ``host`` as a URL holds it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def lan_address(host: str) -> str | None:
    """Return the address by which others of the same network reach what listens on ``host``; None where they do not."""
    if host not in _EVERY_INTERFACE:
        return None if reachable_host(host) in ("localhost", "::1") or host.startswith("127.") else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: the kernel chooses the interface that leads to other networks. The address is of RFC 5737.
            probe.connect(("192.0.2.1", 9))
        except OSError:  # no network
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def require_free(endpoints: Mapping[str, tuple[str, int]]) -> None:
    """Check that nobody listens on any of the ports.

    Args:
        endpoints: for each setting that chooses a port, the address to bind to and the port.

    Raises:
        PortBusyError: some cannot be used, each named with the reason: taken, or not this machine's address.
    """
    faults = {(setting, port): fault for setting, (host, port) in endpoints.items() if (fault := _fault(host, port))}
    if not faults:
        return
    listens = " or ".join(f"sport = :{port}" for _, port in faults)
    raise PortBusyError(
        " ".join(faults.values()),
        f"Stop the program that uses {'it' if len(faults) == 1 else 'them'} (`ss -ltnp '{listens}'` says which), or "
        f"choose {' '.join(f'{setting}=…' for setting, _ in faults)}",
    )


def _fault(host: str, port: int) -> str | None:
    """Say why nothing can listen there; None where it can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A port whose last connections are still closing is free for a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            return f"Port {port} on {host} cannot be used: {exc.strerror or exc}."
    return None
