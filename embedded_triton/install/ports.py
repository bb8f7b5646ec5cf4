"""Finds out beforehand whether the server can listen where it should: its own message names no remedy."""

import socket

from embedded_triton.errors import PortBusyError


def require_free(address: str, ports: dict[str, int]) -> None:
    """Check that nobody listens on any of the ports.

    Args:
        address: the address to bind to.
        ports: for each setting that chooses a port, the port.

    Raises:
        PortBusyError: one is taken, or the address is not this machine's.
    """
    for setting, port in ports.items():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # A port whose last connections are still closing is free for a server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as exc:
                raise PortBusyError(
                    f"Port {port} on {address} cannot be used: {exc.strerror or exc}.",
                    f"Stop the program that uses it (`ss -ltnp 'sport = :{port}'` names it), or choose {setting}=…",
                ) from exc
