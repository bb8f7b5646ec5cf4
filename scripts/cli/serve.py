"""`bin-it-right serve`: Triton and the gateway with one command, and nothing left when it ends.

Exports the models where that is needed, starts the server of the wheel on the loopback, waits for a real answer of both
ensembles, starts the gateway, and watches over both until a signal stops them.
"""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts.cli.exit_codes import FAILED
from scripts.cli.steps import say, step

if TYPE_CHECKING:
    from embedded_triton.launch import Gateway
    from embedded_triton.process.signals import StopSignals

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".cache" / "logs"
SAMPLE = ROOT / "gateway" / "web" / "rendered_plastic.webp"

_GATEWAY_GRACE = 3.0
_POLL = 0.1
_PR_SET_PDEATHSIG = 1


class ServeError(Exception):
    """A part did not start or did not last; ``str()`` says what to do."""


def serve(host: str, port: int, signals: "StopSignals", *, logs: Path = LOGS, weights: Path | None = None) -> None:
    """Run everything until a signal asks to stop; what was started is stopped in any case.

    Args:
        host: the address that the gateway listens on; Triton stays on the loopback.
        port: the gateway's port.
        signals: installed already; the second signal makes stopping hurry.
        logs: the folder for Triton's log.
        weights: a folder of one's own weights; only models that have a card there are served.

    Raises:
        ServeError: a part did not start or did not last.
        EmbeddedTritonError: the embedded server cannot run here, or did not start.
    """
    from embedded_triton.install.ports import LOOPBACK, require_free
    from embedded_triton.install.repository import read_repository
    from embedded_triton.process.program import describe_exit
    from embedded_triton.server import Server
    from embedded_triton.settings import Settings
    from embedded_triton.supervisor import Supervisor

    settings = Settings()
    require_free({"PORT": (host, port), **settings.endpoints(LOOPBACK)})
    log = logs / f"triton-{settings.grpc_port}.log"
    _export(settings.model_repository, weights, signals.stop)
    if signals.stop.is_set():
        return
    models = read_repository(settings.model_repository).ensembles if weights else ()
    server = Server(settings, log=log, report=say)
    supervisor = Supervisor(server, settings, report=say)
    gateway = _gateway(host, port, f"{LOOPBACK}:{settings.grpc_port}", models)
    try:
        with step("Triton", "loads the models and answers a first inference of each") as triton:
            supervisor.start()
            if supervisor.wait_until_ready(signals.stop):
                tuned = f", tuned for {server.profile}" if server.profile else ""
                triton.outcome = f"both ensembles answer on {LOOPBACK}:{settings.grpc_port}{tuned}; log: {log}"
        if not signals.stop.is_set():
            with step("Gateway", "starts") as started:
                gateway.start()
                if gateway.wait_until_ready(signals.stop):
                    started.outcome = f"listens on {host}:{port}"
            if started.outcome:
                say(announcement(host, port, models[0] if models else "raw"))
        while not signals.stop.wait(_POLL):
            if (status := gateway.poll()) is not None:
                raise ServeError(f"The gateway {describe_exit(status)}. What it printed before says more.")
    finally:
        with step("Stop", "finishes running requests; press Ctrl-C again to hurry") as stopped:
            gateway.stop(signals.hurry)
            supervisor.stop(signals.hurry)
            stopped.outcome = "nothing is left running"


def _export(model_repository: Path, weights: Path | None, stop: threading.Event) -> None:
    """Export in a process of its own: torch would stay in the memory of this one as long as it serves."""
    from embedded_triton.process.managed import ManagedProcess

    with step("Export", "compares the model repository with the released weights") as export:
        command = [sys.executable, "-m", "scripts.cli.main", "export", f"--model-repository={model_repository}"]
        command += [f"--weights={weights}"] if weights else []
        process = ManagedProcess(command, environment=os.environ, grace=1, output=subprocess.PIPE)
        while process.poll() is None and not stop.wait(_POLL):
            pass
        if process.poll() is None:
            process.stop()
            return
        assert process.stdout is not None
        with process.stdout as stream:
            output = stream.read().decode(errors="replace").strip()
        if process.wait() != 0:
            raise ServeError(f"The models could not be exported.\n{output}")
        written = [line for line in output.splitlines() if line.startswith("wrote ")]
        export.outcome = "; ".join(written) if written else "the models are up to date"


def _gateway(host: str, port: int, triton_url: str, models: tuple[str, ...]) -> "Gateway":
    from embedded_triton.launch import Gateway

    quiet = {"GATEWAY_LOG_FORMAT": "console", "GATEWAY_LOG_LEVEL": "warning"}
    served = {"GATEWAY_MODEL_TYPES": ",".join(models)} if models else {}
    return Gateway(
        triton_url, host=host, port=port, grace=_GATEWAY_GRACE, environment={**quiet, **os.environ, **served}
    )


def announcement(host: str, port: int, model: str) -> str:
    """Return what is said once all is ready: where the page is, for other devices too where they reach ``host``.

    Args:
        host: the address that the gateway listens on.
        port: its port.
        model: the model that the example asks.
    """
    from embedded_triton.install.ports import in_url, lan_address, reachable_host

    here = "localhost" if reachable_host(host) in ("127.0.0.1", "::1") else in_url(host)
    lines = [f"Ready. A page to drop photos on: http://{here}:{port}   the interface: http://{here}:{port}/docs"]
    if (address := lan_address(host)) is not None:
        lines.append(f"On a phone in the same network: http://{in_url(address)}:{port}")
    return "\n".join(
        [
            "",
            *lines,
            "Ask it about a rendering of a plastic bottle, or about a photo of yours:",
            "",
            f"  curl -X POST http://{here}:{port}/{model}/predict -H 'accept: application/json' \\",
            f"    -F {shlex.quote(f'file=@{SAMPLE};type=image/webp')}",
            "",
            "Ctrl-C stops everything.",
        ]
    )


def _stop_with_parent() -> None:
    """Have the kernel send SIGTERM when the process that started this one (make, say) is gone."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def serve_command(
    host: Annotated[
        str | None,
        typer.Option(help="Address of the gateway; 0.0.0.0 lets others reach it. [default: GATEWAY_HOST or 127.0.0.1]"),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the gateway. [default: GATEWAY_PORT, PORT or 8080]")] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Your own; only models with a card there are served.")
    ] = None,
    logs: Annotated[Path, typer.Option(metavar="FOLDER", help="For Triton's log.")] = LOGS,
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", help="End when the starting process is gone.")
    ] = False,
) -> None:
    """Start Triton and the gateway; Ctrl-C stops both."""
    from embedded_triton.process.signals import StopSignals

    signals = StopSignals()
    signals.install()
    if stop_with_parent:
        _stop_with_parent()
    from pydantic import ValidationError

    from embedded_triton.errors import EmbeddedTritonError
    from embedded_triton.settings import describe_invalid
    from gateway.settings import Settings as GatewaySettings
    from gateway.settings import sentences

    given: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        gateway = GatewaySettings(**given)
    except ValidationError as exc:
        print(f"error: {sentences(exc, given)}", file=sys.stderr)
        raise typer.Exit(FAILED) from exc
    try:
        serve(gateway.host, gateway.port, signals, logs=logs, weights=weights)
    except ValidationError as exc:
        print(f"error: {describe_invalid(exc)}", file=sys.stderr)
        raise typer.Exit(FAILED) from exc
    except (EmbeddedTritonError, ServeError, OSError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        raise typer.Exit(FAILED) from exc
