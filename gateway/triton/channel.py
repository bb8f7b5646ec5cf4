"""The one long-lived gRPC channel to Triton, how addresses are written for it, and the trace context it carries."""

import ipaddress
import socket
from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar

import grpc
from tritonclient.grpc import MAX_GRPC_MESSAGE_SIZE

#: W3C trace context of the request at hand, as gRPC metadata: `traceparent`, and `tracestate` where there is one.
outgoing_trace: ContextVar[Mapping[str, str] | None] = ContextVar("outgoing_trace", default=None)

#: gRPC asks the DNS no more often than this; its own bound is 30 s, for which a pod that ends would have to wait.
DNS_PAUSE_SECONDS = 2

_OPTIONS = (
    ("grpc.max_send_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_GRPC_MESSAGE_SIZE),
    # Notices a lost connection in 15 s, and tries again within 2 s, where gRPC's own back-off grows to two minutes.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000 * DNS_PAUSE_SECONDS),
    # gRPC would send even loopback calls to the proxy that http_proxy names.
    ("grpc.enable_http_proxy", 0),
)


def connect(target: str) -> grpc.aio.Channel:
    """Open a channel that connects by itself, and again after a loss, and asks all servers of the target in turn."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def target(url: str) -> str:
    """Return gRPC's name for the servers: several IP addresses become one list, a DNS name resolves to all its own.

    Raises:
        ValueError: A list of host names: gRPC lists addresses only, and a DNS name may carry several.
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
    """Count the servers that the addresses name; a DNS name is looked up, and counts as one where that fails."""
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
    except ValueError as exc:
        raise ValueError(
            f"{address!r} is no IP address with a port. Give one DNS name that has all addresses, or IP addresses only."
        ) from exc
