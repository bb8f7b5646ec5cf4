import pytest
from tritonclient.grpc.service_pb2 import ModelReadyRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from gateway.triton.channel import connect, target
from tests.support.fake_triton import FakeTriton


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


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
async def test_triton_is_never_asked_through_a_proxy(
    triton: FakeTriton, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.delenv("no_proxy", raising=False)
    async with connect(target(f"127.0.0.1:{triton.port}")) as channel:
        answer = await GRPCInferenceServiceStub(channel).ModelReady(ModelReadyRequest(name="raw"), timeout=10)
    assert answer.ready
