"""What a client calls a trace context goes on to Triton only where it is one."""

import pytest

from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, application, client_of

PHOTO = encode(bottle(), "PNG")
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("headers", "handed_on"),
    [
        ({b"traceparent": PARENT, b"tracestate": b"a=\xff"}, {"traceparent": PARENT.decode()}),
        ({b"traceparent": b"nonsense"}, None),
        ({b"traceparent": b"00-\xff\xfe"}, None),
        ({b"traceparent": PARENT + b" and more"}, None),
        ({b"tracestate": b"a=b"}, None),
    ],
)
async def test_nonsense_does_not_reach_grpc(
    classifier: FakeClassifier,
    traces_handed_on: list[object],
    headers: dict[bytes, bytes],
    handed_on: dict[str, str] | None,
) -> None:
    """gRPC raises an error for bytes that it cannot send: that was a fault of ours, and a 500."""
    async with client_of(application(classifier)) as client:
        response = await client.post("/raw/predict", files={"file": PHOTO}, headers=list(headers.items()))
    assert response.status_code == 200
    assert traces_handed_on == [handed_on]
