"""``python -m embedded_triton``: the supervised Triton server of the wheel, in the foreground."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from embedded_triton.errors import EmbeddedTritonError
from embedded_triton.install.ports import LOOPBACK
from embedded_triton.process.signals import StopSignals
from embedded_triton.server import Server
from embedded_triton.settings import Settings, describe_invalid
from embedded_triton.supervisor import Supervisor


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m embedded_triton", description=__doc__)
    parser.add_argument("--model-repository", type=Path)
    for protocol in ("grpc", "http", "metrics"):
        parser.add_argument(f"--{protocol}-port", type=int)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        default=LOOPBACK,
        help="another address than the loopback; only behind a network of your own: this server lacks security fixes",
    )
    parser.add_argument("--log", type=Path, help="a file for the server's log; standard output by default")
    return parser.parse_args()


def _say(sentence: str) -> None:
    with suppress(OSError):  # a full disk, or nobody who reads: the server goes on
        print(sentence, file=sys.stderr, flush=True)


def main() -> int:
    """Run the server until a signal stops it; return 1 with a sentence where it cannot start."""
    arguments = _parse()
    names = ("model_repository", "grpc_port", "http_port", "metrics_port")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    signals = StopSignals()
    signals.install()
    try:
        settings = Settings(**given)
        server = Server(settings, address=arguments.listen, log=arguments.log, report=_say)
    except ValidationError as exc:
        _say(f"error: {describe_invalid(exc)}")
        return 1
    except EmbeddedTritonError as exc:
        _say(f"error: {exc}")
        return 1
    supervisor = Supervisor(server, settings, report=_say)
    supervisor.start()
    try:
        if supervisor.wait_until_ready(signals.stop):
            _say(f"Triton answers on {arguments.listen}: gRPC {settings.grpc_port}, HTTP {settings.http_port}.")
            signals.stop.wait()
    except (EmbeddedTritonError, OSError) as exc:
        _say(f"error: {exc}")
        return 1
    finally:
        supervisor.stop(signals.hurry)
    return 0


if __name__ == "__main__":
    sys.exit(main())
