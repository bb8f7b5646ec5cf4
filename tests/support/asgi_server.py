"""Serves an ASGI application on a real port of the loopback, in a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The application's URL while the body runs; a port of 0 takes a free one."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, name="served")
    thread.start()
    pause = threading.Event()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            pause.wait(0.01)
        (listening,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
