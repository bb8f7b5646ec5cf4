"""Options of the test run, who runs what where several workers do, and the marker `gpu`."""

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
# A slow machine fails no test.
settings.register_profile("bin-it-right", deadline=None)
settings.load_profile("bin-it-right")
#: Its tests share a trained run.
TRAINING = "tests/unit/training/train/"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the end-to-end tests run against a server that somebody else has started, in NVIDIA's container, say."""
    group = parser.getgroup("bin-it-right")
    group.addoption(
        "--triton-url", metavar="HOST:PORT", help="gRPC of a running Triton: tests that harm it are skipped"
    )
    group.addoption(
        "--triton-repository",
        metavar="FOLDER",
        type=Path,
        default=ROOT / "model_repository",
        help="the exported model repository that it serves (default: the project's own)",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    """Give a file, and all that share a trained run, to one worker."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TRAINING if file.startswith(TRAINING) else file

    return ByFile(config, log)


def _missing() -> str | None:
    """Say what a GPU test lacks here; None where it can run."""
    import torch

    if shutil.which("nvidia-smi") is None or subprocess.run(["nvidia-smi"], capture_output=True).returncode != 0:
        return "an NVIDIA GPU and its driver (nvidia-smi)"
    if not torch.cuda.is_available():
        return f"a PyTorch that can use this GPU (this is {torch.__version__}; `make run` without TORCH=cpu)"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip GPU tests aloud where there is none."""
    if item.get_closest_marker("gpu") and (missing := _missing()):
        pytest.skip(f"needs {missing}")
