"""The time that a request has: the deadline of the settings, or the client's shorter one."""

import math
from collections.abc import Mapping

from gateway.errors import BadParameter


def deadline_of(headers: Mapping[str, str], longest_seconds: float) -> float:
    """Return the seconds that a request has.

    Args:
        headers: Of the request; X-Request-Timeout may ask for less than the longest.
        longest_seconds: The deadline of the settings.

    Raises:
        BadParameter: X-Request-Timeout is no positive number.
    """
    asked = headers.get("x-request-timeout")
    if asked is None:
        return longest_seconds
    try:
        seconds = float(asked)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise BadParameter("X-Request-Timeout must be a positive number of seconds, as in `X-Request-Timeout: 1.5`.")
    return min(seconds, longest_seconds)
