"""How much memory can uploads take at most?

    bin-it-right dev worst-case-memory --pid PID [--url http://127.0.0.1:8080] [--triton 127.0.0.1:8001]

``PID`` is of a running ``bin-it-right serve``. Sends the largest images that the limits allow, many at once: through
the gateway, which refuses most of them, and straight to Triton, as many gateways together would. Prints a JSON line
for each kind, with the peak of the proportional set sizes of both servers' processes, and one of all kinds at the end.
"""

import argparse
import io
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2
import numpy as np
import psutil
from PIL import Image
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

_TURNED = Image.Exif()
_TURNED[0x0112] = 6
_SAMPLE_SECONDS = 0.05
_TIMEOUT = 300.0
#: Clients that send straight what is decoded one at a time: more would only wait.
_FEW = 8


def encoded(mode: str, edge: int, format: str, **options: Any) -> bytes:
    """Return a square image of a smooth drawing as a file."""
    drawing = Image.linear_gradient("L").resize((edge, edge))
    if mode == "LA":
        drawing.putalpha(drawing.rotate(90))
    output = io.BytesIO()
    drawing.convert(mode).save(output, format, **options)
    return output.getvalue()


def noise(edge: int) -> bytes:
    """Return a PNG as large as its pixels."""
    pixels = np.random.default_rng(1).integers(0, 256, (edge, edge, 3), dtype=np.uint8)
    output = io.BytesIO()
    Image.fromarray(pixels).save(output, "PNG", compress_level=0)
    return output.getvalue()


def kinds() -> dict[str, list[Callable[[], bytes]]]:
    """Return what draws the files of each kind; those of 8,000 pixels are at the gateway's limit of 64 megapixels."""
    progressive: dict[str, Any] = {"format": "JPEG", "progressive": True, "subsampling": 0}
    huge: dict[str, list[Callable[[], bytes]]] = {
        "64 MP PNG, RGB": [partial(encoded, "RGB", 8000, "PNG")],
        "64 MP PNG, RGBA, turned": [partial(encoded, "RGBA", 8000, "PNG", exif=_TURNED)],
        "64 MP PNG, grey and alpha, turned": [partial(encoded, "LA", 8000, "PNG", exif=_TURNED)],
        "64 MP PNG, 16 bits": [partial(encoded, "I;16", 8000, "PNG")],
        "64 MP JPEG, baseline 4:4:4": [partial(encoded, "RGB", 8000, "JPEG", subsampling=0)],
        "64 MP JPEG, progressive 4:4:4": [partial(encoded, "RGB", 8000, **progressive)],
        "64 MP JPEG, progressive CMYK": [partial(encoded, "CMYK", 8000, "JPEG", progressive=True)],
        "64 MP WebP, RGBA": [partial(encoded, "RGBA", 8000, "WEBP", method=0)],
    }
    large = partial(encoded, "LA", 3990, "PNG", exif=_TURNED)
    return {
        "2 MP PNG": [partial(encoded, "RGB", 1414, "PNG")],
        "2 MP JPEG, progressive": [partial(encoded, "RGB", 1414, **progressive)],
        "20 MiB in 6 MP of noise": [partial(noise, 2600)],
        "16 MP PNG, grey and alpha, turned": [large],
        **huge,
        "64 and 16 MP PNG, grey and alpha, turned": [*huge["64 MP PNG, grey and alpha, turned"], large],
        "all of 64 MP": [file for files in huge.values() for file in files],
    }


def rest(url: str) -> None:
    """Wait until the gateway has no picture at work: those of clients that it gave up go on in Triton."""
    for _ in range(300):
        text = httpx2.get(f"{url}/metrics", trust_env=False).text
        if re.search(r"^gateway_concurrent_decoded_bytes 0(\.0)?$", text, re.MULTILINE):
            return
        time.sleep(1)


class Peaks:
    """Watches the processes of a ``serve`` command; the gateway's are told by their command line."""

    def __init__(self, pid: int) -> None:
        self._serve = psutil.Process(pid)
        self._ended = threading.Event()
        self.megabytes: dict[str, int] = {}

    def __enter__(self) -> "Peaks":
        self._ended.clear()
        self.megabytes = {}
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            sums: Counter[str] = Counter()
            for process in self._serve.children(recursive=True):
                try:
                    server = "gateway" if "gateway" in process.cmdline() else "triton"
                    sums[server] += process.memory_full_info().pss
                except (psutil.Error, OSError):
                    continue
            for server, size in sums.items():
                self.megabytes[server] = max(self.megabytes.get(server, 0), round(size / 1e6))


def through_gateway(url: str) -> Callable[[bytes], str]:
    """Return what posts a file and returns the status."""
    http = httpx2.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)

    def send(file: bytes) -> str:
        try:
            return str(http.post("/raw/predict", files={"file": file}).status_code)
        except httpx2.HTTPError as exc:
            return type(exc).__name__

    return send


def through_triton(address: str) -> Callable[[bytes], str]:
    """Return what asks Triton about a file and returns what came of it."""
    client = InferenceServerClient(address, channel_args=[("grpc.enable_http_proxy", 0)])

    def send(file: bytes) -> str:
        tensor = InferInput("IMAGE", [1, len(file)], "UINT8")
        tensor.set_data_from_numpy(np.frombuffer(file, np.uint8)[None])
        try:
            client.infer("raw", [tensor], outputs=[InferRequestedOutput("PROBABILITIES")], client_timeout=_TIMEOUT)
        except InferenceServerException as exc:
            return str(exc.status() or exc.message())
        return "answered"

    return send


def measure(
    peaks: Peaks, send: Callable[[bytes], str], files: list[bytes], concurrency: int, seconds: float
) -> dict[str, Any]:
    """Send the files in turn from so many threads, each at least once, until the time is over."""
    end = time.monotonic() + seconds

    def client(number: int) -> Counter[str]:
        results: Counter[str] = Counter()
        while not results or time.monotonic() < end:
            results[send(files[(number + results.total()) % len(files)])] += 1
        return results

    with peaks, ThreadPoolExecutor(concurrency) as pool:
        counted = sum(pool.map(client, range(concurrency)), Counter())
    return {"mb": dict(peaks.megabytes), "answers": dict(counted)}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--triton", default="127.0.0.1:8001")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--only", nargs="*", help="kinds of which the name holds one of these")
    parser.add_argument("--targets", nargs="*", default=["gateway", "triton"])
    given = parser.parse_args()
    peaks, most = Peaks(given.pid), Counter[str]()
    for target, send in (("gateway", through_gateway(given.url)), ("triton", through_triton(given.triton))):
        for kind, drawn in kinds().items() if target in given.targets else ():
            if given.only and not any(part in kind for part in given.only):
                continue
            files = [draw() for draw in drawn]
            rest(given.url)
            is_huge = target == "triton" and "64 MP" in kind
            found = measure(peaks, send, files, _FEW if is_huge else given.concurrency, given.seconds)
            most |= Counter(found["mb"])
            print(json.dumps({"target": target, "kind": kind, **found}), flush=True)
    print(json.dumps({"benchmark": "worst_case_memory", "date": time.strftime("%Y-%m-%d"), "mb": dict(most)}))


if __name__ == "__main__":
    main()
