"""``python -m scripts.rolling_update``: replace real Triton servers under load and count what is lost."""

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import platform
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.rolling_update.load import Load
from scripts.rolling_update.names import Names
from scripts.rolling_update.processes import ROOT, Gateway, Triton
from scripts.rolling_update.update import replace_one_after_the_other

#: gRPC asks the DNS no more often than this.
RESOLUTION_PAUSE = 30
#: gRPC ends connections up to a tenth later than their age says.
JITTER = 1.1
_QUIET_SECONDS = 3


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.rolling_update", description=__doc__)
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--servers", type=int, default=2, help="how many Triton servers (default: 2)")
    parser.add_argument("--in-flight", type=int, default=4, help="requests at once (default: 4)")
    parser.add_argument("--connection-age", type=float, default=5, help="of gRPC connections, in seconds (default: 5)")
    parser.add_argument("--pre-stop", type=float, help="seconds; by default what age and DNS ask for; 0: just SIGTERM")
    parser.add_argument("--replace", type=int, help="how many of them are replaced (default: all)")
    arguments = parser.parse_args()
    if arguments.servers < 2:
        parser.error("one server alone can not be replaced without a gap")
    return arguments


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Start everything, update under load, stop everything; return what was counted."""
    pre_stop = arguments.pre_stop
    if pre_stop is None:
        pre_stop = arguments.connection_age * JITTER + RESOLUTION_PAUSE + 2
    http_port, dns_port, grpc, http, metrics = _free_ports(5)
    photos = sorted((ROOT / "scripts" / "samples").glob("drawn_*"))
    names = Names()
    with tempfile.TemporaryDirectory(prefix="rolling-update-") as folder:
        servers = [
            Triton(
                f"127.0.0.{number + 2}",
                (grpc, http, metrics),
                arguments.model_repository,
                arguments.connection_age,
                Path(folder, f"triton-{number}.log"),
            )
            for number in range(arguments.servers)
        ]
        gateway = Gateway(http_port, f"dns://127.0.0.1:{dns_port}/triton.test:{grpc}", Path(folder, "gateway.log"))
        await names.listen("127.0.0.1", dns_port)
        try:
            for server in servers:
                await server.start()
            for server in servers:
                await server.wait_until_ready()
                names.published.add(server.address)
            await gateway.start()
            await gateway.wait_until_ready()
            load = Load(gateway.url, photos, arguments.in_flight)
            _say(f"{len(servers)} servers are ready; {arguments.in_flight} requests in flight from here on")
            async with load.running():
                await asyncio.sleep(_QUIET_SECONDS)
                replaced = await replace_one_after_the_other(servers[: arguments.replace], names, pre_stop, _say)
                await asyncio.sleep(_QUIET_SECONDS)
        finally:
            names.close()
            for process in (gateway, *servers):
                await process.terminate()
    return {
        "what": "rolling update",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "servers": len(servers),
        "in_flight": arguments.in_flight,
        "connection_age_seconds": arguments.connection_age,
        "pre_stop_seconds": round(pre_stop, 1),
        "requests": load.outcomes.total(),
        "outcomes": dict(load.outcomes),
        "lost": load.lost,
        "requests_in_the_last_second": [each.requests_at_the_end for each in replaced],
        "exit_statuses": [each.exit_status for each in replaced],
        "seconds_away": [round(each.seconds_away) for each in replaced],
        "p50_ms": round(load.quantile(50), 1),
        "p99_ms": round(load.quantile(99), 1),
    }


def main() -> int:
    """Run it, print the counts as one JSON line, and return 1 where a request was lost."""
    result = asyncio.run(run(_parse()))
    print(json.dumps(result))
    return 1 if result["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
