"""``bin-it-right dev rolling-update``: replace real Triton servers under load and count what is lost."""

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from embedded_triton.launch import Gateway, free_ports
from gateway.triton.channel import DNS_PAUSE_SECONDS
from scripts.rolling_update.load import Load
from scripts.rolling_update.names import Names
from scripts.rolling_update.servers import ROOT, Replica
from scripts.rolling_update.update import replace_one_after_the_other

#: gRPC ends connections up to a tenth later than their age says.
JITTER = 1.1
_QUIET_SECONDS = 3


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--servers", type=int, default=2, help="how many Triton servers (default: 2)")
    parser.add_argument("--concurrency", type=int, default=4, help="requests at once (default: 4)")
    parser.add_argument("--connection-age", type=float, default=5, help="of gRPC connections, in seconds (default: 5)")
    parser.add_argument("--pre-stop", type=float, help="seconds; by default what age and DNS ask for; 0: just SIGTERM")
    parser.add_argument("--replace", type=int, help="how many of them are replaced (default: all)")
    arguments = parser.parse_args()
    if arguments.servers < 2:
        parser.error("one server alone cannot be replaced without a gap")
    return arguments


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Start everything, update under load, stop everything; return what was counted."""
    pre_stop = arguments.pre_stop
    if pre_stop is None:
        pre_stop = arguments.connection_age * JITTER + DNS_PAUSE_SECONDS + 2
    dns_port, grpc, http, metrics = free_ports(4)
    photos = sorted((ROOT / "scripts" / "samples").glob("drawn_*"))
    names = Names()
    with tempfile.TemporaryDirectory(prefix="rolling-update-") as folder, contextlib.ExitStack() as running:
        servers = [
            Replica(
                f"127.0.0.{number + 2}",
                (grpc, http, metrics),
                arguments.model_repository,
                arguments.connection_age,
                Path(folder, f"triton-{number}.log"),
            )
            for number in range(arguments.servers)
        ]
        await names.listen("127.0.0.1", dns_port)
        running.callback(names.close)
        for server in servers:
            running.enter_context(server)
        for server in servers:
            await asyncio.to_thread(server.wait_until_ready)
            names.published.add(server.address)
        gateway = running.enter_context(
            Gateway(f"dns://127.0.0.1:{dns_port}/triton.test:{grpc}", log=Path(folder, "gateway.log"), api_keys="")
        )
        await asyncio.to_thread(gateway.wait_until_ready)
        load = Load(gateway.url, photos, arguments.concurrency)
        _say(f"{len(servers)} servers are ready; {arguments.concurrency} concurrent requests from here on")
        async with load.running():
            await asyncio.sleep(_QUIET_SECONDS)
            replaced = await replace_one_after_the_other(servers[: arguments.replace], names, pre_stop, _say)
            await asyncio.sleep(_QUIET_SECONDS)
    return {
        "what": "rolling update",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "servers": len(servers),
        "concurrency": arguments.concurrency,
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
