"""The steps by which Kubernetes replaces one pod after the other."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.rolling_update.names import Names
from scripts.rolling_update.servers import Replica

#: Longer than any client waits for its next look at the names.
_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Replaced:
    """What was seen of one server.

    Attributes:
        requests_at_the_end: inferences that it still got in the last second before SIGTERM.
        exit_status: of its process.
        seconds_away: from the end of its readiness to the first request after its return.
    """

    requests_at_the_end: int
    exit_status: int
    seconds_away: float


async def replace_one_after_the_other(
    servers: Sequence[Replica], names: Names, pre_stop: float, report: Callable[[str], None]
) -> list[Replaced]:
    """Replace every server, each when the one before it is back at work.

    Args:
        servers: all of them ready and published.
        names: where ready servers stand.
        pre_stop: seconds between the end of a server's readiness and SIGTERM; 0 leaves it ready until SIGTERM, as one
            who just stops it would.
        report: is called with a line about each step.

    Raises:
        ServerStartError: a server did not come back.
        TimeoutError: a server got no requests after its return.
    """
    return [await _replace(server, names, pre_stop, report) for server in servers]


async def _replace(server: Replica, names: Names, pre_stop: float, report: Callable[[str], None]) -> Replaced:
    began = asyncio.get_running_loop().time()
    if pre_stop:
        report(f"{server.address}: not ready any more; SIGTERM follows after {pre_stop:.0f} s")
        names.published.discard(server.address)
        await asyncio.sleep(max(0, pre_stop - 1))
    before = await server.executed()
    await asyncio.sleep(min(1, pre_stop))
    at_the_end = await server.executed() - before
    report(f"{server.address}: SIGTERM, after {at_the_end} requests in the last second")
    status = await asyncio.to_thread(server.stop)
    names.published.discard(server.address)
    server.start()
    await asyncio.to_thread(server.wait_until_ready)
    report(f"{server.address}: ended with status {status}, started again, ready")
    idle = await server.executed()
    names.published.add(server.address)
    for _ in range(_PATIENCE_SECONDS):
        await asyncio.sleep(1)
        if await server.executed() > idle:
            break
    else:
        raise TimeoutError(f"{server.address} got no requests within {_PATIENCE_SECONDS} s of its return")
    away = asyncio.get_running_loop().time() - began
    report(f"{server.address}: back at work after {away:.0f} s")
    return Replaced(at_the_end, status, away)
