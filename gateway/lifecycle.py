"""Whether the gateway is on its way out."""

from dataclasses import dataclass


@dataclass(slots=True)
class Lifecycle:
    """Set by the server, read by the readiness."""

    stopping: bool = False
