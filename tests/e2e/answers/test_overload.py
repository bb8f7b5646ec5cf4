"""More than can be answered: what is admitted is answered, the rest is told so, and afterwards all is as before."""

import pytest

from tests.support.load import Call, at_once
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway, StartGateway
from tests.support.running_triton import RunningTriton

pytestmark = pytest.mark.e2e
PHOTO = encode(bottle(), "JPEG")


def test_more_than_admitted(gateway: RunningGateway) -> None:
    responses = at_once(gateway.url, [Call("/pretrained/predict", PHOTO)] * 400, 400)
    statuses = [response.status_code for response in responses]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 64
    for response in responses:
        if response.status_code == 429:
            assert response.headers["retry-after"].isdecimal()
            assert response.headers["content-type"] == "application/problem+json"
    assert gateway.metric("gateway_rejected_total", reason="requests") > 0
    again = at_once(gateway.url, [Call("/pretrained/predict", PHOTO)] * 64, 32)
    assert {response.status_code for response in again} == {200}
    assert gateway.metric("gateway_concurrent_requests") == 0
    assert gateway.metric("gateway_concurrent_decoded_bytes") == 0
    assert gateway.metric("gateway_concurrent_upload_bytes") == 0


def test_what_a_gateway_admits_waits_in_triton(triton: RunningTriton, start_gateway: StartGateway) -> None:
    """A gateway that admits many batches at once, as several gateways together do: Triton's queues have no bound."""
    gateway = start_gateway(
        triton.grpc_url, max_concurrent_requests=1000, max_concurrent_decoded_bytes=10**11, deadline_seconds=120
    )
    large = encode(bottle(2400, 1800), "JPEG")  # long enough to decode for a queue to form
    responses = at_once(gateway.url, [Call("/raw/predict", large)] * 250, 250)
    assert {response.status_code for response in responses} == {200}
    assert gateway.metric("gateway_rejected_total", reason="triton_queue") == 0
    gateway.wait_until("/health/ready")


def test_flood_for_one_model_leaves_the_other_free(triton: RunningTriton, start_gateway: StartGateway) -> None:
    gateway = start_gateway(triton.grpc_url, max_concurrent_requests=30, deadline_seconds=120)
    calls = [Call("/pretrained/predict", PHOTO)] * 200 + [Call("/raw/predict", PHOTO)] * 30
    responses = at_once(gateway.url, calls, 230)
    assert {response.status_code for response in responses[:200]} == {200, 429}
    assert {response.status_code for response in responses[200:]} == {200}
