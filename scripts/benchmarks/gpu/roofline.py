"""What decoding and the networks could do without a server: ``bin-it-right dev roofline-gpu`` prints JSON.

A process of its own, because CUDA keeps its memory as long as a process lives. No server, no copy to the host, no
queue: whatever serves is slower than the slowest of these.
"""

import argparse
import importlib.util
import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from embedded_triton.backends.pytorch.graphs import CudaRecorder
from training.dataset.specification import load_specification
from training.export.torchscript import torchscript_warnings_ignored
from training.models.model_types import NETWORK_MODELS

_THREADS = (4, 8, 16)


def decoding(
    model_repository: Path, photos: list[bytes], *, on_gpu: bool, batch: int, seconds: float
) -> list[dict[str, Any]]:
    """images/s through the pipeline of ``preprocess``, by the number of its threads."""
    specification = importlib.util.spec_from_file_location("dali", model_repository / "preprocess" / "1" / "dali.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    arrays = [np.frombuffer(photo, np.uint8) for photo in photos]
    whole = [arrays[start : start + batch] for start in range(0, len(arrays) - batch + 1, batch)] or [arrays]
    results = []
    cores = len(os.sched_getaffinity(0))
    for threads in sorted({min(threads, cores) for threads in _THREADS}):
        pipeline = module.preprocess(batch_size=batch, num_threads=threads, device_id=0 if on_gpu else None)
        pipeline.build()

        def run(turn: int, pipeline: Any = pipeline) -> int:
            images = whole[turn % len(whole)]
            pipeline.feed_input("IMAGE", images)
            pipeline.run()  # returns when the GPU is done
            return len(images)

        results.append({"threads": threads, "batch": batch, "images_per_second": _rate(run, seconds)})
        del pipeline
    return results


def networks(
    model_repository: Path, *, on_gpu: bool, batches: tuple[int, ...], seconds: float
) -> dict[str, list[dict[str, Any]]]:
    """images/s through each exported network by precision and batch size: frozen, on a GPU as a CUDA graph."""
    device = torch.device("cuda" if on_gpu else "cpu")
    torch.jit.enable_onednn_fusion(not on_gpu)  # as the backend does
    size = load_specification(model_repository).size
    results: dict[str, list[dict[str, Any]]] = {}
    for ensemble, model in NETWORK_MODELS.items():
        results[ensemble] = []
        for precision in ("single", "half") if on_gpu else ("single",):
            dtype = torch.half if precision == "half" else torch.float32
            with torchscript_warnings_ignored():
                loaded = torch.jit.load(str(model_repository / model / "1" / "model.pt"), map_location=device)  # type: ignore[no-untyped-call]
                network = torch.jit.freeze(loaded.eval().to(memory_format=torch.channels_last, dtype=dtype))
            for batch in batches:
                images = torch.randint(0, 256, (batch, 3, size, size), device=device, dtype=torch.uint8)

                def compute(batch: torch.Tensor, network: Any = network) -> tuple[torch.Tensor, ...]:
                    return tuple(network(batch.contiguous(memory_format=torch.channels_last) if on_gpu else batch))

                with torch.inference_mode(), torch.jit.optimized_execution(not on_gpu):  # type: ignore[attr-defined]
                    replay = CudaRecorder()(compute, (images,))[0] if on_gpu else partial(compute, images)

                    def run(_turn: int, replay: Any = replay, images: torch.Tensor = images) -> int:
                        replay()
                        if on_gpu:
                            torch.cuda.synchronize()
                        return len(images)

                    rate = _rate(run, seconds)
                results[ensemble].append({"precision": precision, "batch": batch, "images_per_second": rate})
    return results


def _rate(run: Callable[[int], int], seconds: float) -> float:
    for turn in range(3):
        run(turn)
    done, turn, began = 0, 0, time.perf_counter()
    while (now := time.perf_counter()) < began + seconds:
        done += run(turn)
        turn += 1
    return round(done / (now - began), 1)


def main() -> None:
    """Read the photos from standard input, pickled by the benchmark that started this, and print the roofline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-repository", type=Path, required=True)
    parser.add_argument("--device", choices=("gpu", "cpu"), required=True)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    photos: list[bytes] = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the parent process
    on_gpu = given.device == "gpu"
    repository: Path = given.model_repository
    result = {
        "decode_only": decoding(repository, photos, on_gpu=on_gpu, batch=32 if on_gpu else 8, seconds=given.seconds),
        "network_only": networks(
            repository, on_gpu=on_gpu, batches=(1, 16, 64) if on_gpu else (1, 8), seconds=given.seconds
        ),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
