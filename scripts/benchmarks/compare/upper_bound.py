"""The model-only upper bound: the network in a loop on all cores, computed as the service does, in its own process.

All cores for each photo, or a photo for each core: whatever is faster. It is measured once a round as the servers are,
for the machine does not stay as fast as it was.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from scripts.benchmarks.servers import ROOT

_BATCHES = (1, 4, 8, 16)

#: images/s by batch size, and for each way to compute one.
Rates = dict[int, list[float]]


def upper_bound(model_type: str, model_repository: Path, seconds: float) -> Rates:
    """Measure one round. Raises CalledProcessError where the process fails."""
    command = [
        sys.executable,
        "-m",
        "scripts.benchmarks.compare.upper_bound",
        model_type,
        str(model_repository),
        str(seconds),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True)
    return {int(batch): rates for batch, rates in json.loads(done.stdout).items()}


def fastest(rounds: Sequence[Rates]) -> dict[int, float]:
    """Return images/s by batch size: of the ways the fastest, by the medians of the rounds."""
    return {
        batch: round(max(map(median, zip(*(rates[batch] for rates in rounds), strict=True))), 1) for batch in rounds[0]
    }


def _measure(model_type: str, model_repository: Path, seconds: float) -> Rates:
    import numpy as np

    from embedded_triton.backends.pytorch.conversion import InputSpecification
    from embedded_triton.backends.pytorch.converted_models import ConvertedModels
    from embedded_triton.backends.pytorch.cpu_network import CpuNetwork
    from embedded_triton.install.cpu import choose_precision, usable_cores
    from embedded_triton.settings import Settings
    from training.dataset.specification import load_specification
    from training.models.model_types import NETWORK_MODELS

    size, settings = load_specification(model_repository).size, Settings()
    path = model_repository / NETWORK_MODELS[model_type] / "1" / "model.pt"
    model = ConvertedModels(settings.cache_folder, print).load(path, [InputSpecification("UINT8", (3, size, size))])
    precision, _ = choose_precision(settings.cpu_precision)
    network = CpuNetwork(model, threads=usable_cores(), precision=precision)

    def alone(pixels: Any) -> None:
        for photo in pixels:
            network.infer([photo[np.newaxis]])

    found: Rates = {}
    for batch in _BATCHES:
        pixels = np.random.default_rng(0).integers(0, 256, (batch, 3, size, size), dtype=np.uint8)
        found[batch] = []
        for way in (alone, lambda pixels: network.start([pixels], lambda _: None)):
            way(pixels)
            network.wait()
            done, began = 0, time.perf_counter()
            while time.perf_counter() < began + seconds / 2:
                way(pixels)
                done += batch
            network.wait()
            found[batch].append(done / (time.perf_counter() - began))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model_type")
    parser.add_argument("model_repository", type=Path)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    print(json.dumps(_measure(given.model_type, given.model_repository, given.seconds)))
