import pytest

from gateway.triton.channel import target


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("127.0.0.1:8001", "dns:///127.0.0.1:8001"),
        ("triton:8001", "dns:///triton:8001"),
        ("dns:///triton-headless.bin.svc:8001", "dns:///triton-headless.bin.svc:8001"),
        ("127.0.0.1:8001, 127.0.0.2:8001", "ipv4:127.0.0.1:8001,127.0.0.2:8001"),
        ("[::1]:8001,[::1]:8002", "ipv6:[::1]:8001,[::1]:8002"),
        ("unix:/run/triton.sock", "unix:/run/triton.sock"),
    ],
)
def test_targets(url: str, expected: str) -> None:
    assert target(url) == expected


@pytest.mark.parametrize("url", ["triton-1:8001,triton-2:8001", "127.0.0.1:8001,[::1]:8001", "127.0.0.1:8001,nonsense"])
def test_lists_that_grpc_can_not_take(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|mixes"):
        target(url)
