"""CUDA's Multi-Process Service (https://docs.nvidia.com/deploy/mps/), by which processes compute side by side on a GPU.

The server and its backends are processes of their own. Without this service a GPU lets them take turns of a few
milliseconds, and each tensor that goes from one to the next waits for such a turn.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from embedded_triton.leash import LeashedProcess

_CONTROL = "nvidia-cuda-mps-control"
_PIPES, _LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
#: Where a service is that somebody started for the whole machine.
_OF_THE_MACHINE = Path("/tmp/nvidia-mps/control")  # noqa: S108 - NVIDIA's own default
_START_SECONDS, _GRACE = 10.0, 5.0
#: Makes a context on the first GPU; fails where the service is there but does not work.
_TRIAL = """
from ctypes import CDLL, byref, c_int, c_void_p
cuda, device, context = CDLL("libcuda.so.1"), c_int(), c_void_p()
fault = cuda.cuInit(0) or cuda.cuDeviceGet(byref(device), 0) or cuda.cuDevicePrimaryCtxRetain(byref(context), device)
raise SystemExit(fault)
"""


class Mps:
    """A service of one server's own: nobody else finds it, and it ends with whoever started it."""

    def __init__(self, process: LeashedProcess, folder: Path, environment: Mapping[str, str]) -> None:
        """Take over a control daemon; ``start_mps`` starts one."""
        self._process = process
        self._environment = dict(environment)
        #: What tells a process to use it.
        self.variables = {_PIPES: str(folder), _LOGS: str(folder)}

    def stop(self) -> None:
        """End it, and remove its folder."""
        command, variables = [_CONTROL], self._environment | self.variables
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, input=b"quit\n", env=variables, capture_output=True, timeout=_GRACE, check=False)
        self._process.stop()


def start_mps(environment: Mapping[str, str], report: Callable[[str], None]) -> Mps | None:
    """Start the service for processes with this environment.

    Args:
        environment: of the server.
        report: is called with a sentence where it is installed and does not work.

    Returns:
        The service; None where the driver brings none, where one runs already, or where it does not work here.
    """
    program = shutil.which(_CONTROL, path=environment.get("PATH"))
    if program is None or _PIPES in environment or _OF_THE_MACHINE.exists():
        return None
    # It numbers the GPUs for its clients, who choose by CUDA_VISIBLE_DEVICES among those.
    environment = {name: value for name, value in environment.items() if name != "CUDA_VISIBLE_DEVICES"}
    folder = Path(tempfile.mkdtemp(prefix="mps-"))
    variables = {_PIPES: str(folder), _LOGS: str(folder)}
    process = LeashedProcess(
        [program, "-f"],
        environment=dict(environment) | variables,
        grace=_GRACE,
        output=subprocess.DEVNULL,
        folder=folder,
    )
    with ExitStack() as undo:
        mps = Mps(process, folder, environment)
        undo.callback(mps.stop)
        if _is_up(process, folder) and _works(dict(environment) | variables):
            undo.pop_all()
            return mps
    report(f"{_CONTROL} does not work here: the processes take turns on the GPU.")
    return None


def _is_up(process: LeashedProcess, folder: Path) -> bool:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if (folder / "control").exists():
            return True
        time.sleep(0.02)
    return False


def _works(environment: Mapping[str, str]) -> bool:
    command = [sys.executable, "-c", _TRIAL]
    try:
        trial = subprocess.run(command, env=dict(environment), capture_output=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0
