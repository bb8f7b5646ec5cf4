"""A DNS server for one name, whose addresses come and go: what a headless Service is to its clients."""

import asyncio
import ipaddress
import struct
from typing import Any

_HEADER = struct.Struct("!6H")
_RESPONSE_AUTHORITATIVE = 0x8400
_A, _IN = 1, 1
_NAME_OF_THE_QUESTION = 0xC00C  # a pointer to byte 12 of the message (RFC 1035, 4.1.4)


class Names(asyncio.DatagramProtocol):
    """Answers every question for IPv4 addresses with those that are published, to be kept for no time at all."""

    def __init__(self) -> None:
        self.published: set[str] = set()
        self.questions = 0
        self._transport: asyncio.DatagramTransport

    async def listen(self, address: str, port: int) -> None:
        """Begin to answer on UDP.

        Raises:
            OSError: the port is taken.
        """
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(address, port))

    def close(self) -> None:
        """Answer no more."""
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """Keep the way back; asyncio calls this."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer one question; asyncio calls this."""
        self.questions += 1
        self._transport.sendto(answer(data, sorted(self.published)), addr)


def answer(query: bytes, addresses: list[str]) -> bytes:
    """Return the DNS message that answers ``query`` with IPv4 addresses; none where another type was asked for."""
    identifier = _HEADER.unpack_from(query)[0]
    end = query.index(b"\0", _HEADER.size) + 5  # the name's end, then type and class
    question = query[_HEADER.size : end]
    (kind,) = struct.unpack("!H", question[-4:-2])
    records = [
        struct.pack("!3HIH", _NAME_OF_THE_QUESTION, _A, _IN, 0, 4) + ipaddress.IPv4Address(address).packed
        for address in (addresses if kind == _A else [])
    ]
    return _HEADER.pack(identifier, _RESPONSE_AUTHORITATIVE, 1, len(records), 0, 0) + question + b"".join(records)
