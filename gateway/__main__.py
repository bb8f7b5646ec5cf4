"""`python -m gateway --host 0.0.0.0 --port 8080`."""

import argparse
import ctypes
import gc
import ipaddress
import sys

import structlog
from pydantic import ValidationError

from gateway.app import create_app
from gateway.http.server import GatewayServer, Lifecycle
from gateway.settings import Settings, sentences
from gateway.telemetry.logs import configure_logging
from gateway.triton.client import TritonClassifier

log = structlog.get_logger(__name__)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 * 1024
_ARENAS = 2


def main(arguments: list[str] | None = None) -> None:
    """Start the gateway; settings come from the environment, host and port also from the command line."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="The HTTP gateway in front of Triton.")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as exc:
        sys.exit(sentences(exc, given))
    return_freed_memory()
    configure_logging(settings)
    _warn_of_openness(settings)
    try:
        classifier = TritonClassifier(settings.triton_url, settings.model_types)
    except ValueError as exc:
        sys.exit(f"The gateway does not start, TRITON_URL is wrong. {exc}")
    lifecycle = Lifecycle()
    server = GatewayServer(create_app(settings, classifier, lifecycle), settings, lifecycle)
    # All that there is by now stays: the garbage collector would look at it again and again, a tenth of a request.
    gc.freeze()
    server.run()


def return_freed_memory() -> None:
    """Tell glibc's allocator to map large buffers one by one and to keep few pools; do nothing elsewhere.

    By default glibc raises the size from which it maps as soon as the first large buffer is freed, and then keeps
    decoded pictures and uploads in pools that never shrink again.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
    mallopt(_M_ARENA_MAX, _ARENAS)


def _warn_of_openness(settings: Settings) -> None:
    if not settings.api_keys and not _is_loopback(settings.host):
        log.warning(
            "open_to_everyone",
            advice=f"The gateway listens on {settings.host} and asks for no key. Set GATEWAY_API_KEYS to one or "
            "several comma-separated keys, or keep others away by other means.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
