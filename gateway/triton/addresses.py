"""How the addresses of one or several Tritons are written for gRPC."""

import ipaddress
import socket
from collections import Counter


def target(url: str) -> str:
    """gRPC's name for the servers: several IP addresses become one list, a DNS name resolves to all its addresses.

    Raises `ValueError` for a list of host names: gRPC lists addresses only, and a DNS name may carry several.
    """
    if "://" in url or url.startswith(("ipv4:", "ipv6:", "unix:")):
        return url
    addresses = [part.strip() for part in url.split(",") if part.strip()]
    if len(addresses) == 1:
        return f"dns:///{addresses[0]}"
    families = {_version(address) for address in addresses}
    if len(families) != 1:
        raise ValueError(f"{url!r} mixes IPv4 and IPv6 addresses.")
    return f"ipv{families.pop()}:{','.join(addresses)}"


def replicas(url: str) -> int:
    """How many servers the addresses name; a DNS name is looked up, and counts as one where that fails."""
    if "," in url:
        return url.count(",") + 1
    host, _, port = url.rpartition("://")[2].lstrip("/").rpartition(":")
    try:
        found = {info[:1] + info[4][:1] for info in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)}
    except OSError:
        return 1
    # A server with an IPv4 and an IPv6 address is one server.
    return max(Counter(family for family, _ in found).values(), default=1)


def _version(address: str) -> int:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).version
    except ValueError as error:
        raise ValueError(
            f"{address!r} is no IP address with a port. Give one DNS name that has all addresses, or IP addresses only."
        ) from error
