"""What each part of the GPU's path could do alone, as steps of a run: each prints JSON lines.

Processes of their own, because CUDA keeps its memory as long as a process runs. No server and no queue: whatever
serves is slower than the slowest of these.
"""

import argparse
import importlib.util
import json
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.dlpack import from_dlpack, to_dlpack  # type: ignore[attr-defined]

from embedded_triton.backends.pytorch.graphs import CudaRecorder
from scripts.benchmarks.load.drawn import drawn_photos
from scripts.benchmarks.load.photos import photos_in
from scripts.benchmarks.servers import ROOT
from training.dataset.specification import load_specification
from training.export.torchscript import torchscript_warnings_ignored
from training.models.model_types import NETWORK_MODELS

ENGINE_SHARES = (0.0, 0.2, 0.4, 0.65, 1.0)
_START_SECONDS = 120.0


def say(**row: object) -> None:
    """Print a row."""
    print(json.dumps(row), flush=True)


def decode(given: argparse.Namespace) -> None:
    """Print images/s through ``preprocess``, by the share of the JPEG engines, threads and processes."""
    context = multiprocessing.get_context("spawn")
    for processes in given.processes:
        for threads in given.threads:
            for share in ENGINE_SHARES if given.device == "gpu" else (None,):
                barrier, rates = context.Barrier(processes), context.SimpleQueue()
                workers = [
                    context.Process(target=_decode, args=(given, share, threads, barrier, rates), daemon=True)
                    for _ in range(processes)
                ]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()
                failed = any(worker.exitcode for worker in workers)
                rate = None if failed else round(sum(rates.get() for _ in workers), 1)
                say(part="decode", hw_decoder_load=share, threads=threads, processes=processes, images_per_second=rate)


def _decode(given: argparse.Namespace, share: float | None, threads: int, barrier: Any, rates: Any) -> None:
    on_gpu = given.device == "gpu"
    module = _imported(given.model_repository / "preprocess" / "1" / "dali.py")
    if share is not None:
        decoder = module.fn.decoders.image
        module.fn.decoders.image = partial(decoder, hw_decoder_load=share)
    pipeline = module.preprocess(batch_size=given.batch, num_threads=threads, device_id=0 if on_gpu else None)
    pipeline.build()
    # Each batch is full, the first one too: it fixes the share of the engines for good.
    photos = _photos(given)
    arrays = [np.frombuffer(photos[number % len(photos)], np.uint8) for number in range(2 * given.batch)]

    def run(turn: int) -> int:
        start = turn % 2 * given.batch
        pipeline.feed_input("IMAGE", arrays[start : start + given.batch])
        pipeline.run()  # returns when the GPU is done
        return int(given.batch)

    run(0)
    barrier.wait(_START_SECONDS)
    rates.put(rate(run, given.seconds))


def network(given: argparse.Namespace) -> None:
    """Print images/s through each exported network, with CUDA graphs and without."""
    on_gpu = given.device == "gpu"
    device, dtype = torch.device("cuda" if on_gpu else "cpu"), torch.half if on_gpu else torch.float32
    size = load_specification(given.model_repository).size
    for ensemble, model in NETWORK_MODELS.items():
        with torchscript_warnings_ignored():
            file = str(given.model_repository / model / "1" / "model.pt")
            loaded = torch.jit.load(file, map_location=device)  # type: ignore[no-untyped-call]
            frozen = torch.jit.freeze(loaded.eval().to(memory_format=torch.channels_last, dtype=dtype))
        for batch in given.batches:
            images = torch.randint(0, 256, (batch, 3, size, size), device=device, dtype=torch.uint8)

            def compute(batch: torch.Tensor, frozen: Any = frozen) -> tuple[torch.Tensor, ...]:
                return tuple(frozen(batch.contiguous(memory_format=torch.channels_last)))

            for graphs in (False, True) if on_gpu else (False,):
                with torch.inference_mode(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                    replay = CudaRecorder()(compute, (images,))[0] if graphs else partial(compute, images)
                    found = rate(partial(_waited, replay, batch, on_gpu), given.seconds)
                say(part="network", model=ensemble, batch=batch, graphs=graphs, images_per_second=found)


def hop(given: argparse.Namespace) -> None:
    """Print the microseconds of what happens to one image between two backends: a tensor, a capsule, copy and wait."""
    on_gpu = given.device == "gpu"
    device = torch.device("cuda" if on_gpu else "cpu")
    size = load_specification(given.model_repository).size
    batch = torch.zeros((given.batch, 3, size, size), device=device, dtype=torch.uint8)
    target = torch.empty((1, 3, size, size), device=device, dtype=torch.uint8)
    host = torch.empty((1, 3, size, size), dtype=torch.uint8, pin_memory=on_gpu)

    def from_tensor(turn: int) -> int:
        from_dlpack(batch[turn % given.batch][None])
        return 1

    def from_capsule(turn: int) -> int:
        from_dlpack(to_dlpack(batch[turn % given.batch][None]))
        return 1

    def copied(into: torch.Tensor, turn: int) -> int:
        into.copy_(batch[turn % given.batch][None])
        return _waited(lambda: None, 1, on_gpu, turn)

    kinds: dict[str, Callable[[int], int]] = {
        "tensor": from_tensor,
        "capsule": from_capsule,
        "copy and wait": partial(copied, target),
        "copy to the host and wait": partial(copied, host),
    }
    for kind, run in kinds.items():
        say(part="hop", kind=kind, microseconds=round(1e6 / rate(run, given.seconds), 2))


def _waited(replay: Callable[[], object], images: int, on_gpu: bool, _turn: int) -> int:
    replay()
    if on_gpu:
        torch.cuda.synchronize()
    return images


def rate(run: Callable[[int], int], seconds: float) -> float:
    """Return how many a second ``run`` does, after three turns to warm up."""
    for turn in range(3):
        run(turn)
    done, turn, began = 0, 0, time.perf_counter()
    while (now := time.perf_counter()) < began + seconds or not done:
        done += run(turn)
        turn += 1
    return round(done / (now - began), 1)


def _imported(source: Path) -> Any:
    specification = importlib.util.spec_from_file_location("dali", source)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _photos(given: argparse.Namespace) -> list[bytes]:
    return photos_in(given.folder, given.photos) if given.folder else drawn_photos(given.photos)


def main() -> None:
    """Measure one part."""
    parts = {"decode": decode, "network": network, "hop": hop}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=parts)
    parser.add_argument("--device", choices=("gpu", "cpu"), required=True)
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--folder", type=Path, help="photos; drawn ones of 512x384 pixels by default")
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--batch", type=int, default=32, help="of the decoder")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 4, 8], help="of the decoder")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4], help="that decode side by side")
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 32, 64, 128], help="of the networks")
    given = parser.parse_args()
    parts[given.part](given)


if __name__ == "__main__":
    main()
