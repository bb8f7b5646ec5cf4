"""A Triton that somebody else has started: asked like the tests' own, and never stopped, harmed or looked into."""

from pathlib import Path
from typing import Any

import pytest

from embedded_triton.install.repository import read_repository
from embedded_triton.process.probe import Probe, ProbeError


class GivenTriton:
    """Has of `RunningTriton` what only asks; a test that wants more of it is skipped, and says what for."""

    #: As of a server of the tests' own on a GPU.
    tolerance, tie, levels = 0.02, 0.02, 8
    #: NVIDIA's DALI backend fails every image of a batch for the sake of one.
    isolates = False

    def __init__(self, grpc_url: str, model_repository: Path) -> None:
        self.grpc_url = grpc_url
        self.model_repository = model_repository
        repository = read_repository(model_repository)
        self._probe = Probe(grpc_url, repository.ensembles, repository.probe_image)

    def wait_until_ready(self) -> None:
        """Fail where it does not answer: nobody here can start it."""
        try:
            self._probe(60)
        except ProbeError as fault:
            pytest.fail(f"the Triton at {self.grpc_url} does not answer: {fault}")

    def is_up(self) -> bool:
        """Say that it is not the tests' to start."""
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        pytest.skip(f"needs a Triton of its own ({name}), and --triton-url gave it another's")
