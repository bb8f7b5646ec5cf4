"""Metrics, log lines and traces tell the same of a request, and nothing of its picture."""

import json
import logging

import httpx
import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from gateway.errors import QueueFull
from gateway.settings import Settings
from gateway.telemetry import otel
from gateway.telemetry.logs import configure_logging
from gateway.triton.types import DriftReference
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, application, client_of

PHOTO = encode(bottle(), "PNG")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def samples(client: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = (await client.get("/metrics")).text
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"gateway_{name}", frozenset((label.rstrip("_"), value) for label, value in labels.items())


async def test_answered_request_is_counted(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.threshold = 0.7
    await client.post("/raw/predict", files={"file": PHOTO})
    found = await samples(client)
    version = "1-0123456789ab"
    assert found[key("requests_total", model="raw", version=version, outcome="ok", status="200")] == 1
    assert found[key("predictions_total", model="raw", version=version, class_="metal")] == 1
    assert found[key("predictions_total", model="raw", version=version, class_="glass")] == 0
    assert found[key("not_sure_total", model="raw", version=version)] == 1
    assert found[key("images_total", format="PNG")] == 1
    assert found[key("confidence_sum", model="raw", version=version)] == pytest.approx(0.6)
    assert found[key("request_seconds_count", model="raw")] == 1
    for stage in ("upload", "validate", "triton"):
        assert found[key("stage_seconds_count", model="raw", stage=stage)] == 1


@pytest.mark.parametrize(("path", "model"), [("predict/batch", "raw"), ("explain", "raw_explain")])
async def test_batch_and_explanation_are_counted_with_their_version(
    client: httpx.AsyncClient, path: str, model: str
) -> None:
    assert (await client.post(f"/raw/{path}", files={"file": PHOTO})).status_code == 200
    found = await samples(client)
    assert found[key("requests_total", model=model, version="1-0123456789ab", outcome="ok", status="200")] == 1


async def test_refused_requests_are_counted_by_why(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.error = QueueFull()
    await client.post("/raw/predict", files={"file": PHOTO})
    await client.post("/raw/predict", files={"file": b"no picture"})
    await client.post("/other/predict", files={"file": PHOTO})
    await client.get("/somewhere")
    await client.get("/health/live")
    found = await samples(client)
    requests = {labels: value for (name, labels), value in found.items() if name == "gateway_requests_total"}
    outcomes = {dict(labels)["outcome"]: (dict(labels)["model"], dict(labels)["status"]) for labels in requests}
    assert outcomes == {
        "queue_full": ("raw", "429"),
        "unsupported_format": ("raw", "415"),
        "unknown_model": ("none", "404"),
        "unknown_path": ("none", "404"),
    }
    assert found[key("rejected_total", reason="triton_queue")] == 1


async def test_state_and_drift_reference(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    classifier.models_ready = {"raw": True, "pretrained": False}
    classifier.reference = DriftReference({"glass": 0.2, "metal": 0.8}, tuple(n / 10 for n in range(1, 10)), 0.05)
    found = await samples(client)
    assert found[key("model_ready", model="raw")] == 1
    assert found[key("model_ready", model="pretrained")] == 0
    assert found[key("concurrent_requests", model="raw")] == 0
    assert found[key("concurrent_decoded_bytes")] == 0
    assert found[key("concurrent_upload_bytes")] == 0
    assert found[key("model_info", model="raw", digest="0123456789ab")] == 1
    assert found[key("reference_class_share", model="raw", class_="metal")] == 0.8
    assert found[key("reference_confidence", model="raw", quantile="0.5")] == 0.5
    assert found[key("reference_not_sure_share", model="raw")] == 0.05


async def test_log_line_says_what_happened_and_nothing_of_the_upload(
    client: httpx.AsyncClient, classifier: FakeClassifier
) -> None:
    with capture_logs() as lines:
        await client.post("/raw/predict", files={"file": ("my passport.png", PHOTO)}, headers={"X-Request-ID": "abc"})
        await client.get("/health/ready")
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": "abc",
        "method": "POST",
        "path": "/raw/predict",
        "status": 200,
        "outcome": "ok",
        "model": "raw",
        "model_version": "1-0123456789ab",
        "bytes": len(PHOTO),
        "format": "PNG",
        "pred_class": "metal",
        "confidence": 0.6,
    }


async def test_keys_are_never_logged(classifier: FakeClassifier) -> None:
    classifier.error = RuntimeError("a fault")
    with capture_logs() as lines:
        async with client_of(application(classifier, api_keys="secret-key")) as client:
            await client.post("/raw/predict", files={"file": PHOTO}, headers={"X-API-Key": "secret-key"})
            await client.post("/raw/predict", files={"file": PHOTO}, headers={"X-API-Key": "guessed-key"})
    assert {line["event"] for line in lines} == {"request", "fault"}
    assert "secret-key" not in str(lines)
    assert "guessed-key" not in str(lines)


def test_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_level="info"))
    structlog.get_logger("test").info("own", number=1)
    logging.getLogger("library").warning("of a %s", "library")
    structlog.get_logger("test").debug("not shown")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("own", "info"), ("of a library", "warning")]
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


async def test_trace_of_the_caller_passes_through(classifier: FakeClassifier, traces_handed_on: list[object]) -> None:
    async with client_of(application(classifier)) as client:
        await client.post("/raw/predict", files={"file": PHOTO}, headers={"traceparent": PARENT, "tracestate": "a=b"})
        await client.post("/raw/predict", files={"file": PHOTO})
    assert traces_handed_on == [{"traceparent": PARENT, "tracestate": "a=b"}, None]


async def test_span_continues_the_trace(
    classifier: FakeClassifier, traces_handed_on: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    tracing = otel.OpenTelemetry(exporter)
    monkeypatch.setattr(otel, "exporting_to", lambda endpoint: tracing)
    async with client_of(application(classifier, otlp_endpoint="http://collector:4317")) as client:
        await client.post("/raw/predict", files={"file": PHOTO}, headers={"traceparent": PARENT})
        classifier.error = QueueFull()
        await client.post("/raw/predict", files={"file": PHOTO})
    tracing.close()
    answered, failed = exporter.get_finished_spans()
    assert answered.name == "POST /raw/predict"
    assert f"{answered.context.trace_id:032x}" == PARENT.split("-")[1]
    assert answered.parent is not None
    assert f"{answered.parent.span_id:016x}" == PARENT.split("-")[2]
    assert answered.attributes is not None
    assert answered.attributes["model.version"] == "1-0123456789ab"
    assert traces_handed_on[0] == {
        "traceparent": f"00-{answered.context.trace_id:032x}-{answered.context.span_id:016x}-01"
    }
    assert failed.parent is None
    assert failed.status.description == "QueueFull"
