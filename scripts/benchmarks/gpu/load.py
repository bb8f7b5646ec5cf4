"""One variant of the service under load, as a step of a run: prints a JSON line for each concurrency."""

import argparse
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from embedded_triton.errors import EmbeddedTritonError
from scripts.benchmarks.gpu.steps import StepWatch
from scripts.benchmarks.gpu.variants import VARIANTS, varied
from scripts.benchmarks.gpu.watch import GpuWatch
from scripts.benchmarks.load.drawn import drawn_photos
from scripts.benchmarks.load.photos import photos_in
from scripts.benchmarks.load.processes import Target, measure
from scripts.benchmarks.servers import ROOT, eager, gateways, triton

MODEL = "pretrained"
_PERIOD_SECONDS, _LONG_MS = 0.1, 100.0
EAGER = "eager service"


class QueueWatch:
    """Asks Triton ten times a second how long requests waited: a mean of all of them would hide a stall."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self._looks: list[dict[str, tuple[int, int]]] = []
        self._batches: list[dict[str, dict[int, int]]] = []
        self._thread = threading.Thread(target=self._watch, name="queue-watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def result(self) -> dict[str, Any]:
        """Return for each model what its requests waited, and how many batches of each size were executed.

        A wait is the mean over a tenth of a second: the share of requests with one over 100 ms, and the longest one.
        """
        found = {}
        for model in self._looks[-1] if self._looks else ():
            waits = []
            for before, after in zip(self._looks, self._looks[1:], strict=False):
                requests = after[model][0] - before.get(model, (0, 0))[0]
                if requests > 0:
                    waits.append((requests, (after[model][1] - before.get(model, (0, 0))[1]) / requests / 1e6))
            if waits:
                long = sum(requests for requests, wait in waits if wait > _LONG_MS)
                first, last = self._batches[0].get(model, {}), self._batches[-1][model]
                sizes = {size: count - first.get(size, 0) for size, count in sorted(last.items())}
                found[model] = {
                    "waited_over_100_ms": round(long / sum(requests for requests, _ in waits), 4),
                    "longest_wait_ms": round(max(wait for _, wait in waits), 1),
                    "batches": {size: count for size, count in sizes.items() if count},
                }
        return found

    def _watch(self) -> None:
        with InferenceServerClient(self._url, channel_args=[("grpc.enable_http_proxy", 0)]) as client:
            last = False
            while not last:
                last = self._done.wait(_PERIOD_SECONDS)
                try:
                    models = client.get_inference_statistics().model_stats
                except InferenceServerException:
                    continue
                counted = [each for each in models if each.batch_stats]  # ensembles have none
                self._looks.append(
                    {each.name: (each.inference_stats.queue.count, each.inference_stats.queue.ns) for each in counted}
                )
                self._batches.append(
                    {each.name: {b.batch_size: b.compute_infer.count for b in each.batch_stats} for each in counted}
                )


@contextmanager
def serving(given: argparse.Namespace) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Yield whom to ask, and Triton's address where there is one."""
    with ExitStack() as stack:
        if given.variant == EAGER:
            yield (stack.enter_context(eager(given.device)),), None
            return
        repository = stack.enter_context(varied(given.model_repository, given.profile, VARIANTS[given.variant]))
        url = stack.enter_context(triton(given.device, repository.folder, repository.profile))
        if not given.gateways:
            yield (url,), url
            return
        yield stack.enter_context(gateways(url, given.gateways, max(given.concurrency))), url


def run(given: argparse.Namespace) -> None:
    """Measure one variant, and print its rows."""
    photos = photos_in(given.folder, given.photos) if given.folder else drawn_photos(given.photos)
    with serving(given) as (urls, url):
        for concurrency in given.concurrency:
            target = Target(urls, MODEL, given.photos_in_a_request)
            inside = StepWatch(url, MODEL) if url else None
            waits = QueueWatch(url) if url else None
            with GpuWatch() as watch, inside or nullcontext(), waits or nullcontext():
                row = measure(target, photos, concurrency=concurrency, seconds=given.seconds, processes=given.processes)
            row |= {"variant": given.variant, "gateways": given.gateways, "photos_in_a_request": target.photos}
            row |= inside.result() if inside else {}
            print(json.dumps({**row, "gpu": watch.result(), "queues": waits.result() if waits else {}}), flush=True)


def main() -> int:
    """Measure; return 1 with a sentence where a server does not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=[*VARIANTS, EAGER], default="as it is")
    parser.add_argument("--device", choices=("gpu", "cpu"), required=True)
    parser.add_argument("--profile")
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--folder", type=Path, help="photos; drawn ones of 512x384 pixels by default")
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--concurrency", type=int, nargs="+", required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--processes", type=int, default=4, help="that send")
    parser.add_argument("--gateways", type=int, default=0)
    parser.add_argument("--photos-in-a-request", type=int, default=1)
    try:
        run(parser.parse_args())
    except (EmbeddedTritonError, RuntimeError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
