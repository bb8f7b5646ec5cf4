"""What a run keeps on disk: its best weights, the state to go on from, its history."""

import copy
import time
from pathlib import Path
from typing import Any

from torch import nn

from training.train import checkpoints
from training.train.history import Row, write_history

_SECONDS = 30.0


class CheckpointWriter:
    """Takes the state after every epoch and writes it, at most every half minute.

    On a GPU an epoch takes a second, and writing ResNet-50 with its optimiser and the curves as long again: what came
    since the last writing waits in memory for `flush`.
    """

    def __init__(self, folder: Path, seconds: float = _SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds
        self._written = -seconds
        self._best: nn.Module | None = None
        self._state: dict[str, Any] | None = None

    def epoch(self, state: dict[str, Any], best: nn.Module | None) -> None:
        """Keep a copy of ``state``, whose ``history`` is written too, and of the ``best`` network where it is new."""
        self._state = copy.deepcopy(state)
        if best is not None:
            self._best = copy.deepcopy(best)
        if time.monotonic() >= self._written + self._seconds:
            self.flush()

    def flush(self) -> None:
        """Write what waits: the weights first, so that the state never names an epoch whose weights are missing."""
        if self._best is not None:
            checkpoints.save_weights(self._best, self._folder / "best.safetensors")
            self._best = None
        if self._state is not None:
            history: list[Row] = self._state["history"]
            checkpoints.save_run(self._folder / "last.pt", self._state)
            write_history(self._folder, history)
            self._state = None
        self._written = time.monotonic()
