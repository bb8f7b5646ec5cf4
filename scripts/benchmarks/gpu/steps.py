"""Where photos wait and are worked on meanwhile: Triton's statistics of each step, and what its processes work."""

import os
from contextlib import suppress
from typing import Any, Self

from tritonclient.utils import InferenceServerException

from scripts.benchmarks.breakdown.cpu_time import cpu_seconds
from scripts.benchmarks.breakdown.latency import Statistics, Triton

_PHASES = ("queue", "compute_input", "compute_infer", "compute_output")
#: Processes that do not serve.
_ASIDE = "supervision"


class StepWatch:
    """Looks at an ensemble while the body runs; nobody else should ask it.

    Means of every request of the body, those of a warm-up too.
    """

    def __init__(self, url: str, ensemble: str) -> None:
        """Find the steps of an ensemble of the Triton at ``url``."""
        self._looks: list[tuple[dict[str, float], Statistics, dict[str, Statistics]]] = []
        self._triton: Triton | None = None
        with suppress(InferenceServerException):
            self._triton = Triton(url, ensemble)

    def __enter__(self) -> Self:
        self._look()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()

    def result(self) -> dict[str, Any]:
        """Return each step's photos of a batch and milliseconds by phase, and CPU milliseconds by process.

        All of them of one photo; empty where Triton did not answer, or began anew.
        """
        if len(self._looks) < 2:
            return {}
        (before, ensemble, steps), (after, later_ensemble, later) = self._looks
        requests = later_ensemble.since(ensemble).requests
        if requests <= 0:
            return {}
        spent = {name: seconds - before.get(name, 0) for name, seconds in after.items() if name != _ASIDE}
        return {
            "steps": {name: _of(later[name].since(steps[name])) for name in later},
            "cpu_ms": {name: round(1000 * seconds / requests, 3) for name, seconds in spent.items()},
        }

    def _look(self) -> None:
        if self._triton is not None:
            with suppress(InferenceServerException):
                self._looks.append((cpu_seconds(os.getpid()), *self._triton.read()))


def _of(step: Statistics) -> dict[str, float]:
    if step.requests <= 0 or step.executions <= 0:
        return {}
    milliseconds = {f"{phase}_ms": round(step.milliseconds(phase), 2) for phase in _PHASES}
    return {"batch": round(step.requests / step.executions, 1), **milliseconds}
