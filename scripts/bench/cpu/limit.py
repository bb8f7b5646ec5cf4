"""The limit: the exported network alone in a loop on all cores, in a process of its own.

All threads at each convolution, or photos of its own for each, PyTorch's convolutions or those of the service, one
batch after the other or overlapping: whatever is fastest for a batch. It is measured once a round as the servers are,
for the machine does not stay as fast as it was.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from statistics import median

from scripts.bench.servers import ROOT

_BATCHES = (1, 4, 8, 16)


#: Photos a second by batch size, and for each way to compute one.
Rates = dict[int, list[float]]


def limit(model_type: str, model_repository: Path, seconds: float) -> Rates:
    """Measure one round. Raises CalledProcessError where the process fails."""
    command = [sys.executable, "-m", "scripts.bench.cpu.limit", model_type, str(model_repository), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True)
    return {int(batch): rates for batch, rates in json.loads(done.stdout).items()}


def fastest(rounds: Sequence[Rates]) -> dict[int, float]:
    """Return photos a second by batch size: of the ways the fastest, by the medians of the rounds."""
    return {
        batch: round(max(map(median, zip(*(rates[batch] for rates in rounds), strict=True))), 1) for batch in rounds[0]
    }


def wait_for(answers: Sequence[object]) -> None:
    """Wait for those that are under way."""
    wait([answer for answer in answers if isinstance(answer, Future)])


def _measure(model_type: str, model_repository: Path, seconds: float) -> Rates:
    import torch

    from embedded_triton.backends.compiler import compile_c
    from embedded_triton.backends.pytorch.cores import Cores, Network, Tensors
    from embedded_triton.backends.pytorch.replacement import replace_convolutions
    from scripts.bench.peers.tuned import load_frozen
    from training.dataset.specification import load_specification

    size = load_specification(model_repository).size

    def load(threads: int, *, compiled: bool = False) -> Network:
        network = load_frozen(model_type, model_repository)
        if compiled and threads == 1:
            replace_convolutions(network, compile_c)
        return torch.inference_mode()(lambda pixels: tuple(network(pixels)))

    threads = torch.get_num_threads()

    def parted(*, compiled: bool, overlap: int = 0) -> Callable[[torch.Tensor], Future[Tensors]]:
        cores = Cores(partial(load, compiled=compiled), alone=threads, together=threads, overlap=overlap)
        return lambda pixels: cores([[pixels]])[0]

    plain, served, overlapping = parted(compiled=False), parted(compiled=True), parted(compiled=True, overlap=16)
    found: Rates = {}
    for batch in _BATCHES:
        pixels = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        # Each batch size anew: the fused graph is made for the first ones that it sees.
        found[batch] = []
        for way in (load(threads), plain, served, overlapping):
            wait_for([way(pixels) for _ in range(3)])
            begun, began = [], time.perf_counter()
            while time.perf_counter() < began + seconds / 4:
                begun.append(way(pixels))
            wait_for(begun)
            found[batch].append(batch * len(begun) / (time.perf_counter() - began))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model_type")
    parser.add_argument("model_repository", type=Path)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    print(json.dumps(_measure(given.model_type, given.model_repository, given.seconds)))
