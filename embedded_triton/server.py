"""One Triton server: started as a managed process, awaited by inference, stopped without leaving anything behind."""

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from embedded_triton.errors import ServerStartError
from embedded_triton.install.arguments import BACKENDS, build_arguments
from embedded_triton.install.backend_folder import PACKAGES, prepare_backend_folder
from embedded_triton.install.environment import server_environment
from embedded_triton.install.open_files import raise_open_files
from embedded_triton.install.plain_paths import link_plainly
from embedded_triton.install.ports import LOOPBACK, in_url, reachable_host, require_free
from embedded_triton.install.profiles import choose_profile, gpu_count
from embedded_triton.install.repository import read_repository
from embedded_triton.install.wheel import find_wheel
from embedded_triton.process.backend_processes import BackendProcesses
from embedded_triton.process.cleanup import FOLDER, remove_orphans, remove_segments
from embedded_triton.process.log import ServerLog
from embedded_triton.process.managed import ManagedProcess
from embedded_triton.process.mps import Mps
from embedded_triton.process.probe import Probe, ProbeError
from embedded_triton.settings import Settings

_FIRST_TRY, _RETRY = 0.1, 0.25


class Server:
    """A server that can be started again after it has stopped."""

    def __init__(
        self, settings: Settings, *, address: str = LOOPBACK, log: Path | None, report: Callable[[str], None]
    ) -> None:
        """Check the wheel and the model repository; nothing is started yet.

        Args:
            settings: ports, folders and time limits.
            address: where to listen. The server of the wheel is older than known security fixes: leave it on the
                loopback wherever anyone else could reach it.
            log: the file for the server's own log; None passes it on to standard output.
            report: is called with each warning and error of the server's log, where that goes to a file.

        Raises:
            EmbeddedTritonError: the server cannot run here, with what to do about it.
        """
        self._settings = settings
        self._address = address
        self._wheel = find_wheel()
        raise_open_files()
        #: The tuning profile that Triton takes; None for the configurations as they are.
        self.profile = choose_profile(settings.profile, settings.model_repository)
        self._gpus = gpu_count()
        self._log_path = log
        self._say = report
        self._log = ServerLog(log, report, has_gpu=self._gpus > 0)
        repository = read_repository(settings.model_repository, self.profile)
        self._models = repository.models
        reachable = f"{in_url(reachable_host(address))}:{settings.grpc_port}"
        self._ask = Probe(reachable, repository.ensembles, repository.probe_image)
        self._instances = repository.instances
        self._process: ManagedProcess | None = None
        self._mps: Mps | None = None
        self._shared_memory_prefix = ""
        self._backends = BackendProcesses("", {})

    def start(self) -> None:
        """Start the server and return at once.

        Raises:
            PortBusyError: another process listens on one of the ports.
        """
        settings = self._settings
        require_free(settings.endpoints(self._address))
        remove_orphans(settings.shared_memory_prefix)
        self._start_mps()
        self._shared_memory_prefix = f"{settings.shared_memory_prefix}-{secrets.token_hex(4)}-"
        self._backends = BackendProcesses(self._shared_memory_prefix, self._instances)
        with ExitStack() as undo:
            folder = Path(tempfile.mkdtemp(prefix=f"{settings.shared_memory_prefix}-"))
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            undo.callback(remove_segments, self._shared_memory_prefix)
            self._process = self._launch(folder)
            undo.pop_all()  # from here on the subreaper removes it
        assert self._process.stdout is not None
        self._log.follow(self._process.stdout)

    def _start_mps(self) -> None:
        if self._gpus and self._settings.mps:
            self._mps = Mps(os.environ)
            if fault := self._mps.start():
                self._say(f"The processes take turns on the GPU: {fault}.")

    def _launch(self, folder: Path) -> ManagedProcess:
        settings = self._settings
        prepare_backend_folder(self._wheel, folder / BACKENDS)
        # Among the segments, with which it is removed: their names are plain, and each server has to write there.
        paths = link_plainly(
            folder,
            FOLDER / f"{self._shared_memory_prefix}folder",
            models=self._models,
            library_path=self._wheel.library_path,
        )
        arguments = build_arguments(
            self._wheel.server,
            settings,
            paths,
            address=self._address,
            shared_memory_prefix=self._shared_memory_prefix,
            gpus=self._gpus,
            profile=self.profile,
        )
        environment = server_environment(
            os.environ,
            library_path=paths.library_path,
            interpreter_folder=self._wheel.interpreter_folder,
            packages=PACKAGES,
            settings=settings,
        )
        if self._mps is not None:
            environment |= self._mps.variables
        return ManagedProcess(
            arguments,
            environment=environment,
            grace=settings.stop_timeout,
            output=subprocess.PIPE,
            shared_memory_prefix=self._shared_memory_prefix,
            folder=folder,
        )

    def lost(self) -> str | None:
        """Return which of its processes has ended; None while all run. Whether they answer is what the probe says.

        A model with two instances has two processes. Where one of them has died, the other may answer a probe while
        requests that come to the dead one fail.
        """
        if not self._is_running():
            return "The Triton server has ended"
        lost = self._backends.lost()
        return f"A backend process of {' and '.join(sorted(lost))} has ended" if lost else None

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait until every ensemble has answered a real inference.

        Args:
            stop: ends the waiting early.

        Returns:
            Whether the server is ready; False where ``stop`` came first.

        Raises:
            ServerStartError: the server ended, or did not answer in time.
        """
        fault, failed, pause = "nothing", 0, _FIRST_TRY
        deadline = time.monotonic() + self._settings.start_timeout
        while not stop.wait(pause):
            try:
                self._ask(self._settings.probe_timeout)
                self._backends.find()
                return True
            except ProbeError as exc:
                fault, pause = str(exc), _RETRY
                failed = 0 if exc.may_be_starting else failed + 1
            if not self._is_running():
                if stop.is_set():
                    return False
                raise ServerStartError("The Triton server ended while it was starting.", self._hint())
            if failed >= self._settings.probe_failures:
                raise ServerStartError(f"The Triton server started, but {fault}.", self._hint())
            if time.monotonic() > deadline:
                raise ServerStartError(
                    f"The Triton server did not answer within {self._settings.start_timeout:.0f} s ({fault}).",
                    self._hint(),
                )
        return False

    def probe(self, timeout: float, /) -> None:
        """Ask every ensemble that has answered nobody since the last time.

        Args:
            timeout: seconds that each answer may take.

        Raises:
            ProbeError: an ensemble did not answer, or not rightly.
        """
        self._ask.ask_silent(timeout)

    def terminate(self) -> None:
        """Tell the server to stop; ``stop`` waits for it."""
        self._log.mute()
        process = self._process
        if process is not None:
            process.terminate()

    def kill(self) -> None:
        """End the server and its backends at once."""
        process, mps = self._process, self._mps
        if process is not None:
            process.kill()
        if mps is not None:
            mps.kill()

    def stop(self) -> None:
        """Stop the server, kill it where that takes too long, and remove what it leaves behind."""
        self._log.mute()
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._mps is not None:
            self._mps.stop()
            self._mps = None

    def _hint(self) -> str:
        lines = "\n".join(f"  {line}" for line in self._log.last_lines())
        where = f"; all of it is in {self._log_path}" if self._log_path else ""
        return f"The end of its log says why{where}:\n{lines}"
