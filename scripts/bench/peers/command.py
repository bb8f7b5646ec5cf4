"""The command line of the peers that FastAPI serves."""

import argparse
import os

import uvicorn


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def serve(factory: str, *, workers: int) -> None:
    """Serve an application on the loopback with uvicorn, so many processes of it.

    Args:
        factory: ``module:function`` that returns the application.
        workers: how many processes, where the command line does not say.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=workers)
    given = parser.parse_args()
    # A worker that still loads networks on a busy machine shall not be taken for dead, and started again and again.
    uvicorn.run(
        factory,
        factory=True,
        host="127.0.0.1",
        port=given.port,
        workers=given.workers,
        log_level="warning",
        timeout_worker_healthcheck=300,
    )
