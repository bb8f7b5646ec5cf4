"""The load counts every request by what came of it."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from scripts.rolling_update.load import Load

ANSWERS = {
    "200": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
    "cut off": b"",
}
#: Which of them it is depends on whether the end of the request had been read.
CUT_OFF = {"ReadError", "RemoteProtocolError", "WriteError"}


@pytest.mark.parametrize("outcome", ANSWERS)
async def test_whatever_comes_is_counted_once(outcome: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a photo")
    served = asyncio.Semaphore(0)
    serving = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"a photo")
                writer.write(ANSWERS[outcome])
                served.release()
                if not ANSWERS[outcome]:
                    break
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        load = Load(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", [photo], concurrency=2)
        async with load.running():
            for _ in range(10):
                await served.acquire()
        await asyncio.gather(*filter(None, serving))
    assert load.outcomes
    assert set(load.outcomes) <= (CUT_OFF if outcome == "cut off" else {outcome})
    assert load.outcomes.total() >= 10
    assert len(load.milliseconds) == load.outcomes.total()
    assert load.lost == (0 if outcome == "200" else load.outcomes.total())
    assert load.quantile(50) <= load.quantile(99)
