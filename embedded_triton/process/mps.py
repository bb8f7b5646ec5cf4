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
from contextlib import suppress
from pathlib import Path

from embedded_triton.process.managed import ManagedProcess

_CONTROL = "nvidia-cuda-mps-control"
_PIPES, _LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
_START_SECONDS, _TRIAL_SECONDS, _GRACE, _POLL = 5.0, 20.0, 3.0, 0.02
#: Makes a context on the first GPU that the server would see; fails where the service is there but does not work.
_TRIAL = """
from ctypes import CDLL, byref, c_int, c_void_p
cuda, device, context = CDLL("libcuda.so.1"), c_int(), c_void_p()
fault = cuda.cuInit(0) or cuda.cuDeviceGet(byref(device), 0) or cuda.cuDevicePrimaryCtxRetain(byref(context), device)
raise SystemExit(bool(fault))
"""


class Mps:
    """A service of one server's own: other processes do not find it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Prepare; nothing is started yet.

        Args:
            environment: of the processes that are to use it.
        """
        self._environment = dict(environment)
        self._process: ManagedProcess | None = None
        self._killed = False
        #: What tells a process to use the service; empty while there is none.
        self.variables: dict[str, str] = {}

    def start(self) -> str | None:
        """Start the service, and try it. Does nothing where somebody started one already.

        Returns:
            Why the processes will take turns on the GPU; None where they will not.
        """
        program = shutil.which(_CONTROL, path=self._environment.get("PATH"))
        if program is None:
            return f"{_CONTROL}, which comes with the driver, is not on the path"
        # Whoever started one for the machine, or named one in the environment, has it used.
        if _ask(self._environment, "get_default_active_thread_percentage") is not None:
            return None
        folder = Path(tempfile.mkdtemp(prefix="mps-"))
        variables = {_PIPES: str(folder), _LOGS: str(folder)}
        # It numbers the GPUs for its clients, who choose by CUDA_VISIBLE_DEVICES among those.
        environment = {name: value for name, value in self._environment.items() if name != "CUDA_VISIBLE_DEVICES"}
        try:
            self._process = ManagedProcess(
                [program, "-f"],
                environment=environment | variables,
                grace=_GRACE,
                output=subprocess.DEVNULL,
                folder=folder,
            )
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.variables = variables
        fault = self._fault(folder)
        if fault:
            self.stop()
        return fault

    def kill(self) -> None:
        """End it at once, also while it is starting."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End it, and remove its folder."""
        if self._process is not None:
            _ask(self._environment | self.variables, "quit")
            self._process.stop()
        self._process, self.variables = None, {}

    def _fault(self, folder: Path) -> str | None:
        if not self._wait(lambda: (folder / "control").exists(), _START_SECONDS):
            return f"{_CONTROL} does not start"
        environment = self._environment | self.variables
        trial = subprocess.Popen(
            [sys.executable, "-c", _TRIAL], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            if not self._wait(lambda: trial.poll() is not None, _TRIAL_SECONDS) or trial.returncode:
                return "no process can use the Multi-Process Service here"
        finally:
            trial.kill()
            trial.wait()
        # A process that does not find the service works without it, and so the trial says too little.
        if not (_ask(environment, "get_server_list") or "").strip():
            return "nobody uses the Multi-Process Service here"
        return None

    def _wait(self, done: Callable[[], bool], seconds: float) -> bool:
        assert self._process is not None
        end = time.monotonic() + seconds
        while not done():
            if self._killed or self._process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(_POLL)
        return True


def _ask(environment: Mapping[str, str], question: str) -> str | None:
    """Return what the control daemon of an environment says; None where there is none."""
    with suppress(OSError, subprocess.TimeoutExpired):
        answer = subprocess.run(
            [_CONTROL],
            input=f"{question}\n",
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=_GRACE,
            check=False,
        )
        return answer.stdout if answer.returncode == 0 else None
    return None
