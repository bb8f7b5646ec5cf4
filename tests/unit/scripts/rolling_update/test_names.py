"""The DNS server that stands for a headless Service, asked by hand."""

import asyncio
import socket
import struct

from scripts.rolling_update.names import Names, answer

A, AAAA = 1, 28


def query(kind: int, *, extra: bytes = b"") -> bytes:
    """A question for triton.test, as resolvers ask it."""
    header = struct.pack("!6H", 0xBEEF, 0x0100, 1, 0, 0, 1 if extra else 0)
    return header + b"\x06triton\x04test\x00" + struct.pack("!2H", kind, 1) + extra


def addresses(message: bytes) -> list[str]:
    """The IPv4 addresses of an answer to ``query``, whose frame is checked on the way."""
    identifier, flags, questions, answers, authorities, additional = struct.unpack_from("!6H", message)
    assert (identifier, questions, authorities, additional) == (0xBEEF, 1, 0, 0)
    assert flags & 0x8000, "no response"
    assert flags & 0x000F == 0, "an error"
    records = message[len(query(A)) :]
    assert len(records) == 16 * answers
    found = []
    for start in range(0, len(records), 16):
        pointer, kind, family, time_to_live, length = struct.unpack_from("!3HIH", records, start)
        assert (pointer, kind, family, time_to_live, length) == (0xC00C, A, 1, 0, 4)
        found.append(socket.inet_ntoa(records[start + 12 : start + 16]))
    return found


def test_all_published_addresses_are_in_the_answer() -> None:
    assert addresses(answer(query(A), ["127.0.0.2", "127.0.0.3"])) == ["127.0.0.2", "127.0.0.3"]


def test_nobody_published_is_an_empty_answer() -> None:
    assert addresses(answer(query(A), [])) == []


def test_there_are_no_other_kinds_of_addresses() -> None:
    message = answer(query(AAAA), ["127.0.0.2"])
    assert struct.unpack_from("!6H", message)[3] == 0


def test_what_a_resolver_adds_to_its_question_is_left_out_of_the_answer() -> None:
    options = b"\x00" + struct.pack("!2HIH", 41, 1232, 0, 0)
    assert addresses(answer(query(A, extra=options), ["127.0.0.2"])) == ["127.0.0.2"]


async def test_it_answers_over_udp_what_is_published_at_the_moment() -> None:
    names = Names()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.setblocking(False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
        await names.listen("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        try:
            for published in ({"127.0.0.2", "127.0.0.3"}, {"127.0.0.3"}, set[str]()):
                names.published = published
                await loop.sock_sendto(client, query(A), ("127.0.0.1", port))
                assert set(addresses(await loop.sock_recv(client, 512))) == published
        finally:
            names.close()
    assert names.questions == 3
