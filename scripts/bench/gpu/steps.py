"""Where photos wait and are worked on meanwhile: Triton's statistics of each step, and the cores of its processes."""

import os
import time
from types import TracebackType
from typing import Any, Self

from scripts.bench.ledger import Statistics, Triton
from scripts.bench.processor import processor_seconds

_PHASES = ("queue", "compute_input", "compute_infer", "compute_output")
#: Processes that do not serve.
_ASIDE = "supervision"


class StepWatch:
    """Looks at an ensemble while the body runs; nobody else should ask it."""

    def __init__(self, url: str, ensemble: str) -> None:
        """Find the steps of an ensemble of the Triton at ``url``."""
        self._triton = Triton(url, ensemble)

    def __enter__(self) -> Self:
        self._began = self._look()
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended = self._look()

    def result(self) -> dict[str, Any]:
        """Return photos of a batch and milliseconds of a photo by step and phase, and cores by process of this one."""
        (began, before, steps), (ended, after, later) = self._began, self._ended
        cores = {
            name: round((seconds - before.get(name, 0)) / (ended - began), 2)
            for name, seconds in after.items()
            if name != _ASIDE
        }
        return {"steps": {name: _of(later[name].since(steps[name])) for name in later}, "cores": cores}

    def _look(self) -> tuple[float, dict[str, float], dict[str, Statistics]]:
        return time.monotonic(), processor_seconds(os.getpid()), self._triton.read()[1]


def _of(step: Statistics) -> dict[str, float]:
    if not step.requests:
        return {}
    milliseconds = {f"{phase}_ms": round(step.milliseconds(phase), 2) for phase in _PHASES}
    return {"batch": round(step.requests / step.executions, 1), **milliseconds}
