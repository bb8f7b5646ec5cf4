"""The one long-lived gRPC channel to Triton."""

import grpc
from tritonclient.grpc import MAX_GRPC_MESSAGE_SIZE

_OPTIONS = (
    ("grpc.max_send_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_GRPC_MESSAGE_SIZE),
    # Finds a dead peer in 15 s, and tries a lost one again within 2 s, where gRPC's own back-off grows to two minutes.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.lb_policy_name", "round_robin"),
)


def connect(target: str) -> grpc.aio.Channel:
    """A channel that connects by itself, and again after a loss, and asks all servers of the target in turn."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)
