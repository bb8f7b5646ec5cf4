"""Everything that is measured, started on ports of its own and proven to give one answer."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import psutil

from embedded_triton.launch import free_ports
from scripts.benchmarks.load.client import BOUNDARY, form
from scripts.benchmarks.servers import process

#: What stands in the place of the service: by name the module in ``scripts.benchmarks.baselines``, and its variant.
BASELINES = {
    "eager": ("eager", None),
    "torchscript": ("torchscript", None),
    "torchscript_bfloat16": ("torchscript", "bfloat16"),
    "onnx": ("onnx", None),
    "openvino": ("openvino", None),
    "openvino_tuned": ("openvino", "tuned"),
    "litserve": ("litserve", None),
}
#: Of these, what makes no sense on a CPU that does not multiply bfloat16.
NEEDS_BFLOAT16 = ("torchscript_bfloat16",)
#: Pillow resizes in bytes and DALI in floating point: that moves a probability by up to 0.03 (docs/experiments.md).
MOST_DIFFERENCE = 0.05
#: Less than this of a core is an idle server: LitServe's takes a fifth.
_IDLE_CORES, _LOOK_SECONDS = 0.5, 0.3


class AnswerError(Exception):
    """Two servers answer differently: a comparison of their speed would say nothing."""


@dataclass(frozen=True)
class Baseline:
    """A running baseline: where it answers, and the process whose descendants are all of it."""

    url: str
    pid: int


def settle(most: float = 20.0) -> None:
    """Wait until no server computes any more, for so many seconds at most.

    A server that does not notice that its clients are gone works on what they left, and would begin its next
    measurement with that.
    """
    end = time.monotonic() + most
    before = _cpu_seconds()
    while time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        now = _cpu_seconds()
        if now - before < _IDLE_CORES * _LOOK_SECONDS:
            return
        before = now


def _cpu_seconds() -> float:
    spent = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            spent += times.user + times.system
    return spent


@contextmanager
def suspended(idle: Iterable[Baseline]) -> Iterator[None]:
    """Suspend baselines while another is measured: an idle LitServe takes a fifth of a core from it."""
    # The process itself holds the lifeline: it must be able to end the others at any time.
    stopped = [child for baseline in idle for child in psutil.Process(baseline.pid).children(recursive=True)]
    for child in stopped:
        with suppress(psutil.NoSuchProcess):
            child.suspend()
    try:
        yield
    finally:
        for child in stopped:
            with suppress(psutil.NoSuchProcess):
                child.resume()


@contextmanager
def baselines(names: Sequence[str], models: Sequence[str], photo: bytes) -> Iterator[dict[str, Baseline]]:
    """Start baselines and yield them once each has classified the photo with every model.

    Raises:
        ServerStartError: one does not start.
    """
    # What is set for one shall not help or hinder another: the baselines decide their threads themselves.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_"))}
    variables["CUDA_VISIBLE_DEVICES"] = ""
    with ExitStack() as stack:
        running, found = [], {}
        for name, port in zip(names, free_ports(len(names)), strict=True):
            module, variant = BASELINES[name]
            command = [sys.executable, "-m", f"scripts.benchmarks.baselines.{module}", f"--port={port}"]
            command += [f"--variant={variant}"] if variant else []
            running.append(stack.enter_context(process(name, command, variables)))
            found[name] = Baseline(f"http://127.0.0.1:{port}", running[-1].pid)
        for started, baseline in zip(running, found.values(), strict=True):
            started.wait(partial(_answers, baseline.url, models, photo))
        yield found


def _answers(url: str, models: Sequence[str], photo: bytes) -> bool:
    try:
        return all(classify(url, model, photo) for model in models)
    except OSError:  # URLError is one
        return False


def classify(url: str, model: str, photo: bytes) -> dict[str, float]:
    """Return the probability of each class. Raises OSError where there is no good answer."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    request = urllib.request.Request(f"{url}/{model}/predict", form(photo), headers)  # noqa: S310 - of the loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
    with opener.open(request, timeout=60) as answer:
        classes: dict[str, float] = json.load(answer)["classes"]
    return classes


def differences(urls: Mapping[str, str], model: str, photos: Sequence[bytes]) -> dict[str, float]:
    """Return each server's largest difference of a probability from the first server's.

    Raises:
        AnswerError: one is over ``MOST_DIFFERENCE``.
    """
    names = list(urls)
    found = dict.fromkeys(names[1:], 0.0)
    for photo in photos:
        expected = classify(urls[names[0]], model, photo)
        for name in names[1:]:
            answer = classify(urls[name], model, photo)
            found[name] = max(found[name], *(abs(answer[label] - expected[label]) for label in expected))
    for name, difference in found.items():
        if difference > MOST_DIFFERENCE:
            raise AnswerError(f"{name} and {names[0]} differ by {difference:.3f} about a photo with {model}")
    return {name: round(difference, 4) for name, difference in found.items()}
