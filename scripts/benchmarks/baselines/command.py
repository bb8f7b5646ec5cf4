"""The command line of the baselines that FastAPI serves."""

import argparse
from collections.abc import Sequence

import uvicorn

from embedded_triton.install.cpu import usable_cores


def serve(module: str, *, workers: int | None = None, variants: Sequence[str] = ()) -> None:
    """Serve an application on the loopback with uvicorn.

    Args:
        module: has a function ``create`` that returns the application, and a ``create_VARIANT`` for each variant.
        workers: how many processes; one for each core by default.
        variants: what ``--variant`` may be.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--variant", choices=variants)
    given = parser.parse_args()
    # A worker that still loads networks on a busy machine must not be restarted again and again as if it hung.
    uvicorn.run(
        f"{module}:create" + (f"_{given.variant}" if given.variant else ""),
        factory=True,
        host="127.0.0.1",
        port=given.port,
        workers=workers or usable_cores(),
        log_level="warning",
        timeout_worker_healthcheck=300,
    )
