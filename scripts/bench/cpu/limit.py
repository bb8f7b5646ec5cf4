"""The limit: the exported network alone in a loop on all cores, in a process of its own.

All threads at each convolution, or photos of its own for each, PyTorch's convolutions or those of the service: whatever
is fastest for a batch.
"""

import argparse
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from scripts.bench.servers import ROOT

_BATCHES = (1, 4, 8, 16)


def limit(model_type: str, model_repository: Path, seconds: float) -> dict[int, float]:
    """Return photos a second by batch size. Raises CalledProcessError where the process fails."""
    command = [sys.executable, "-m", "scripts.bench.cpu.limit", model_type, str(model_repository), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True)
    return {int(batch): rate for batch, rate in json.loads(done.stdout).items()}


def _measure(model_type: str, model_repository: Path, seconds: float) -> dict[int, float]:
    import torch

    from embedded_triton.backends.compiler import compile_c
    from embedded_triton.backends.pytorch.cores import Cores, Network
    from embedded_triton.backends.pytorch.winograd import replace_convolutions
    from scripts.bench.peers.tuned import load_frozen
    from training.specification import load_specification

    size = load_specification(model_repository).size

    def load(threads: int, *, winograd: bool = False) -> Network:
        network = load_frozen(model_type, model_repository)
        if winograd and threads == 1:
            replace_convolutions(network, compile_c)
        return torch.inference_mode()(lambda pixels: tuple(network(pixels)))

    threads = torch.get_num_threads()
    plain, served = (
        Cores(partial(load, winograd=winograd), alone=threads, together=threads) for winograd in (False, True)
    )
    rates: dict[int, float] = {}
    for batch in _BATCHES:
        pixels = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        # Each batch size anew: the fused graph is made for the first ones that it sees.
        for way in (partial(load(threads), pixels), partial(plain, [pixels]), partial(served, [pixels])):
            for _ in range(3):
                way()
            done, began = 0, time.perf_counter()
            while (now := time.perf_counter()) < began + seconds / 3:
                way()
                done += batch
            rates[batch] = max(rates.get(batch, 0), round(done / (now - began), 1))
    return rates


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model_type")
    parser.add_argument("model_repository", type=Path)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    print(json.dumps(_measure(given.model_type, given.model_repository, given.seconds)))
