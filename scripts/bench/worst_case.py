"""How much memory can uploads take at most?

    python -m scripts.bench.worst_case --gateway-pid PID --triton-pid PID

Sends, many at once, the largest uploads that the limits allow: photos of 48 megapixels in formats that Triton decodes
and that the gateway converts, bodies of the full size that are no pictures, and bodies that stop short of their end.
Reports the peak of both servers while it does. Ends with one JSON line.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import platform
import time
from collections import Counter
from typing import Any

import pillow_heif
import uvloop
from PIL import Image

from scripts.bench.client import PhotoClient, form
from scripts.bench.memory import resident_bytes

_SIZE = (8000, 6000)
_BODY_BYTES = 20 * 1024 * 1024
_SAMPLE_SECONDS = 0.05


def phases() -> dict[str, bytes]:
    """The multipart body of each kind."""
    pillow_heif.register_heif_opener()
    photo = Image.linear_gradient("L").resize(_SIZE).convert("RGB")
    bodies = {}
    for format in ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF"):
        output = io.BytesIO()
        photo.save(output, format, **({"quality": 50} if format in ("HEIF", "AVIF") else {}))
        bodies[f"48 megapixels of {format}"] = form(output.getvalue())
    bodies["20 MiB of no picture"] = form(bytes(_BODY_BYTES - 1000))
    return bodies


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """Each kind in turn, so many at once."""
    report: dict[str, Any] = {}
    async with PhotoClient(given.url) as client:
        for name, body in phases().items():
            report[name] = await _measured(given, client, [body] * given.at_once)
        report["20 MiB without an end"] = await _measured(given, client, [], stalled=given.at_once)
    return {
        "benchmark": "worst_case",
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "at_once": given.at_once,
        "memory_mb": report,
    }


async def _measured(
    given: argparse.Namespace, client: PhotoClient, bodies: list[bytes], stalled: int = 0
) -> dict[str, Any]:
    peaks = {"gateway": 0.0, "triton": 0.0}
    pids = {"gateway": given.gateway_pid, "triton": given.triton_pid}

    async def watch() -> None:
        while True:
            for name, pid in pids.items():
                size = await asyncio.to_thread(resident_bytes, pid)
                peaks[name] = max(peaks[name], round(size / 1e6))
            await asyncio.sleep(_SAMPLE_SECONDS)

    watching = asyncio.create_task(watch())
    statuses: Counter[str] = Counter()

    async def send(body: bytes) -> None:
        try:
            statuses[str((await client.post(f"/{given.model}/predict", body)).status)] += 1
        except (OSError, asyncio.IncompleteReadError):
            statuses["no answer"] += 1

    await asyncio.gather(*(send(body) for body in bodies), *(_stall(given) for _ in range(stalled)))
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return {**peaks, "statuses": dict(statuses)}


async def _stall(given: argparse.Namespace) -> None:
    """Sends all of a large body but its last bytes, and waits for the gateway to hang up."""
    host, _, port = given.url.rpartition("//")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = form(bytes(_BODY_BYTES - 1000))
    head = f"POST /{given.model}/predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    with contextlib.suppress(OSError):
        writer.write(head.encode() + b"Content-Type: multipart/form-data; boundary=----bin-it-right\r\n\r\n")
        writer.write(body[:-100])
        await asyncio.wait_for(reader.read(), given.stall_seconds)
    writer.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--model", default="raw")
    parser.add_argument("--gateway-pid", type=int, required=True)
    parser.add_argument("--triton-pid", type=int, required=True)
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--stall-seconds", type=float, default=5.0)
    print(json.dumps(uvloop.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
