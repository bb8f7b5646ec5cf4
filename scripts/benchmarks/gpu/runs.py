"""Three runs for a machine with an NVIDIA GPU, of at most 8 minutes each; `bin-it-right dev gpu-run NAME` starts one.

service     the tests of the GPU, then `pretrained` in variants: which wait is it?
ceilings    what decoder, network and the way between them could do alone
prototypes  other ways to share the GPU, with CUDA's Multi-Process Service and without

Each step is a process with a limit of its own; what found no time is said, and no process is left. Every line of
standard output is JSON: the rows, and at the end one about the run. On a machine without a GPU, or with
``--device cpu``, the same runs in a small way on the CPU, which says that it works and nothing about a GPU.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_triton.install.profiles import choose_profile
from scripts.benchmarks.gpu.budget import LIMIT, Step, module, run
from scripts.benchmarks.gpu.load import EAGER
from scripts.benchmarks.gpu.watch import gpu_name
from scripts.benchmarks.servers import ROOT, export_models

_MPS = "EMBEDDED_TRITON_MPS"
#: Seconds that a server takes to start and stop, with every recording of its networks.
_START = 25.0
#: Variants that share the GPU otherwise.
PROTOTYPES = ("4 and 3 instances", "one process, 4 instances", "one process, 6 instances", "tensors on the CPU")


def _load(given: argparse.Namespace, variant: str, concurrency: Sequence[int], **options: object) -> list[str]:
    arguments: list[object] = ["--variant", variant, "--concurrency", *concurrency, "--seconds", given.seconds]
    if given.profile:
        arguments += ["--profile", given.profile]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", value]
    return module("load", *arguments, *_common(given))


def _common(given: argparse.Namespace) -> list[object]:
    photos: list[object] = ["--folder", given.folder] if given.folder else []
    return ["--device", given.device, "--model-repository", given.model_repository, *photos]


def _seconds(given: argparse.Namespace, rows: int) -> float:
    return float(_START + rows * (given.seconds + 3))


def service(given: argparse.Namespace) -> list[Step]:
    """Return the steps of the first run."""
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "gpu", "-ra", "tests/gpu"]
    steps = [Step("tests", tests, 150, {"EMBEDDED_TRITON_PROFILE": given.profile or "default"})]
    for name, variant, mps in (
        ("as it was, with queue policy", "with queue policy", "false"),
        ("without queue policy", "as it is", "false"),
        ("with MPS", "as it is", "true"),
        ("without graphs", "without graphs", "false"),
    ):
        command = _load(given, variant, given.concurrency)
        steps.append(Step(name, command, _seconds(given, len(given.concurrency)), {_MPS: mps}))
    return steps


def ceilings(given: argparse.Namespace) -> list[Step]:
    """Return the steps of the second run."""
    each = min(2.0, given.seconds)
    small = ["--threads", 2, "--batch", 4, "--batches", 2] if given.device == "cpu" else []
    return [
        Step(part, module("ceilings", part, "--seconds", each, *small, *_common(given)), seconds)
        for part, seconds in (("hop", 40), ("network", 110), ("decode", 300))
    ]


def prototypes(given: argparse.Namespace) -> list[Step]:
    """Return the steps of the third run."""
    concurrency = given.concurrency[-2:]
    steps = []
    for mps in ("false", "true"):
        beside = {_MPS: mps}
        told = ", MPS" if mps == "true" else ""
        for variant in PROTOTYPES:
            step = _load(given, variant, concurrency)
            steps.append(Step(variant + told, step, _seconds(given, len(concurrency)), beside))
        several = _load(given, "as it is", concurrency[:1], photos_in_a_request=given.photos_in_a_request)
        steps.append(Step(f"requests of {given.photos_in_a_request} photos{told}", several, _seconds(given, 1), beside))
        for count in given.gateways:
            through = _load(given, "as it is", concurrency[:1], gateways=count)
            steps.append(Step(f"{count} gateways{told}", through, _seconds(given, 1), beside))
    steps.append(Step(EAGER, _load(given, EAGER, given.concurrency[:1]), _seconds(given, 1)))
    return steps


RUNS = {"service": service, "ceilings": ceilings, "prototypes": prototypes}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what is not said follows from the device.

    Raises:
        SystemExit: a GPU was asked for, and there is none.
    """
    parser = argparse.ArgumentParser(
        prog="bin-it-right dev gpu-run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("folder", type=Path, nargs="?", help="photos, also in folders below; drawn ones by default")
    parser.add_argument("--device", choices=("auto", "gpu", "cpu"), default="auto")
    parser.add_argument("--seconds", type=float, help="of each row")
    parser.add_argument("--concurrency", type=int, nargs="+", metavar="N")
    parser.add_argument("--gateways", type=int, nargs="+", metavar="N")
    parser.add_argument("--photos-in-a-request", type=int, default=16, metavar="N")
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository", metavar="FOLDER")
    parser.add_argument("--profile", help="a tuning profile; by default by the name of the GPU")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of the whole run")
    given = parser.parse_args(arguments)
    has_gpu = gpu_name() is not None
    if given.device == "gpu" and not has_gpu:
        parser.error("there is no NVIDIA GPU here, or no driver; say --device cpu to try it on the CPU.")
    if given.device == "auto":
        given.device = "gpu" if has_gpu else "cpu"
    on_gpu = given.device == "gpu"
    given.seconds = given.seconds or (5.0 if on_gpu else 1.0)
    given.concurrency = given.concurrency or ([16, 64, 256, 512] if on_gpu else [1, 2])
    given.gateways = given.gateways or ([4, 6] if on_gpu else [2])
    given.model_repository = given.model_repository.absolute()
    given.profile = choose_profile(given.profile or ("auto" if on_gpu else "default"), given.model_repository)
    return given


def main() -> int:
    """Run; return 1 where a step failed, was stopped, or found no time."""
    given = parse()
    if given.model_repository == ROOT / "model_repository":
        export_models(given.model_repository)
    document = run(given.run, RUNS[given.run](given), limit=given.limit)
    return 0 if set(document["steps"].values()) == {"done"} else 1


if __name__ == "__main__":
    sys.exit(main())
