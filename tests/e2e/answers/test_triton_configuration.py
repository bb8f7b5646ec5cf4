"""What the running server made of the committed configurations, and whom it lets do what."""

import json
import urllib.error
import urllib.request

import psutil
import pytest
from google.protobuf import json_format, text_format
from tritonclient.grpc import InferenceServerClient, model_config_pb2
from tritonclient.utils import InferenceServerException

from tests.support.running_triton import RunningTriton
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.e2e
ADDED_BY_THE_SERVER = (
    *("default_model_filename", "instance_group", "model_transaction_policy", "optimization", "platform"),
    *("runtime", "version_policy"),
)
MODELS = ["preprocess", *NETWORK_MODELS, *NETWORK_MODELS.values()]


@pytest.mark.parametrize("model", MODELS)
def test_the_server_resolved_what_was_committed(triton: RunningTriton, model: str) -> None:
    with InferenceServerClient(triton.grpc_url) as client:
        resolved = client.get_model_config(model).config
        assert client.is_model_ready(model)
    text = (triton.model_repository / model / "config.pbtxt").read_text()
    committed = text_format.Parse(text, model_config_pb2.ModelConfig())
    for config in (committed, resolved):
        # The server adds defaults to these, and names and devices to the instances; nothing else may differ.
        for field in ADDED_BY_THE_SERVER:
            config.ClearField(field)
    if resolved.HasField("dynamic_batching") and not committed.dynamic_batching.preferred_batch_size:
        resolved.dynamic_batching.ClearField("preferred_batch_size")  # by default the largest batch
    assert resolved.name == model
    assert json_format.MessageToDict(resolved) == json_format.MessageToDict(committed)


@pytest.mark.parametrize("model", ["preprocess", *NETWORK_MODELS.values()])
def test_warm_up_inferences_succeeded(triton: RunningTriton, model: str) -> None:
    assert "failed to run warmup" not in triton.log.read_text(errors="replace").lower()
    with InferenceServerClient(triton.grpc_url) as client:
        (statistics,) = client.get_inference_statistics(model).model_stats
    assert statistics.inference_stats.success.count > 0


def test_protocols_that_could_harm_are_refused(triton: RunningTriton) -> None:
    with InferenceServerClient(triton.grpc_url) as client:
        for call in (
            client.get_system_shared_memory_status,
            client.get_model_repository_index,
            client.get_trace_settings,
            client.get_log_settings,
            lambda: client.load_model("raw"),
        ):
            with pytest.raises(InferenceServerException, match="restricted"):
                call()
    for path in ("/v2/repository/index", "/v2/systemsharedmemory/status", "/v2/trace/setting", "/v2/logging"):
        request = urllib.request.Request(f"http://{triton.http_url}{path}")
        if path.endswith("index"):
            request.method = "POST"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as answer:
            assert answer.status == 403
            assert "restricted" in json.load(answer)["error"]


def test_what_perf_analyzer_asks_stays_open(triton: RunningTriton) -> None:
    for path in ("/v2", "/v2/models/raw", "/v2/models/raw/config", "/v2/models/raw/stats"):
        with urllib.request.urlopen(f"http://{triton.http_url}{path}") as answer:
            assert json.load(answer)
    with urllib.request.urlopen(f"http://{triton.metrics_url}/metrics") as answer:
        assert b"nv_inference_count" in answer.read()


def test_it_listens_on_the_loopback_alone(triton: RunningTriton) -> None:
    server = psutil.Process(triton.server_pid)
    listening = [each.laddr for each in server.net_connections("inet") if each.status == psutil.CONN_LISTEN]
    assert {port for _, port in listening} == set(triton.ports)
    assert {address.removeprefix("::ffff:") for address, _ in listening} == {"127.0.0.1"}
