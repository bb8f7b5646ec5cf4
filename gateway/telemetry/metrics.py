"""What Prometheus may ask: requests by model, version and outcome, times of the stages, and concurrency."""

import time
from collections.abc import Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.errors import Overloaded
from gateway.http.context import RequestContext
from gateway.inference.protocol import Classifier
from gateway.inference.types import Answer
from gateway.uploads.admission import Admission, UploadMemory

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_CONFIDENCE = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class Metrics:
    """Counters and histograms of answered and refused requests, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "gateway_requests",
            "Requests by how they ended: ok, or the kind of problem.",
            ("model", "version", "outcome", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "gateway_request_seconds",
            "Time from the headers to the answer, of all requests to a model.",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "gateway_stage_seconds",
            "Time in the stages upload, validate (conversion included) and triton, of classified images.",
            ("model", "stage"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._rejected = Counter(
            "gateway_rejected",
            "Requests refused with 429, by the bound that was reached.",
            ("reason",),
            registry=registry,
        )
        self._images = Counter("gateway_images", "Classified images by format.", ("format",), registry=registry)
        self._predictions = Counter(
            "gateway_predictions", "Answers by predicted class.", ("model", "version", "class"), registry=registry
        )
        self._confidence = Histogram(
            "gateway_confidence",
            "Best probability of each answer.",
            ("model", "version"),
            buckets=_CONFIDENCE,
            registry=registry,
        )
        self._not_sure = Counter(
            "gateway_not_sure", "Answers under the confidence threshold.", ("model", "version"), registry=registry
        )
        self._known: set[tuple[str, str]] = set()
        # prometheus_client looks for what belongs to labels under a lock, and makes text of them, each time.
        self._of = cache(lambda metric, *labels: metric.labels(*labels))

    def observe(self, context: RequestContext, status: int) -> None:
        """Count a request that has ended with this status."""
        model = context.model_type or "none"
        answer = context.answer
        self._of(self._requests, model, context.model_version, context.outcome(status), status).inc()
        for error in (context.error, *context.batch):
            if isinstance(error, Overloaded):
                self._rejected.labels(error.reason).inc()
        if context.model_type is None:
            return
        self._of(self._seconds, model).observe(time.perf_counter() - context.started)
        answers = [each for each in (answer, *context.batch) if isinstance(each, Answer)]
        if answers:
            self._of(self._stages, model, "upload").observe(context.upload_seconds or 0)
        for each in answers:
            self._observe_answer(model, each)

    def _observe_answer(self, model: str, answer: Answer) -> None:
        version = answer.model_version
        self._of(self._stages, model, "validate").observe(answer.validate_seconds)
        self._of(self._stages, model, "triton").observe(answer.triton_seconds)
        self._of(self._images, answer.image.format).inc()
        if (model, version) not in self._known:
            # A class that is never predicted is a sign of drift as well, and must be there to be seen.
            self._known.add((model, version))
            for label in answer.classes:
                self._predictions.labels(model, version, label)
            self._not_sure.labels(model, version)
        self._of(self._predictions, model, version, answer.pred_class).inc()
        self._of(self._confidence, model, version).observe(answer.confidence)
        if answer.not_sure:
            self._of(self._not_sure, model, version).inc()


class StateCollector(Collector):
    """What is worked on, which models answer, and what the export says that answers should look like."""

    def __init__(
        self, classifier: Classifier, admission: Admission, memory: UploadMemory, model_types: tuple[str, ...]
    ) -> None:
        self._classifier = classifier
        self._admission = admission
        self._memory = memory
        self._model_types = model_types

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, as prometheus_client wants them."""
        concurrent = GaugeMetricFamily(
            "gateway_concurrent_requests", "Admitted requests that Triton has not finished.", labels=("model",)
        )
        for model in self._model_types:
            concurrent.add_metric((model,), self._admission.concurrent_requests[model])
        yield concurrent
        yield GaugeMetricFamily(
            "gateway_concurrent_decoded_bytes", "Decoded pixels of admitted requests.", self._admission.decoded_bytes
        )
        yield GaugeMetricFamily("gateway_concurrent_upload_bytes", "Uploads held in memory.", self._memory.bytes)
        ready = GaugeMetricFamily(
            "gateway_model_ready", "1 while the model answered within the last ten seconds.", labels=("model",)
        )
        for model, is_ready in self._classifier.readiness().items():
            ready.add_metric((model,), is_ready)
        yield ready
        yield from self._described()

    def _described(self) -> Iterator[GaugeMetricFamily]:
        info = GaugeMetricFamily("gateway_model_info", "1 for the weights that are served.", labels=("model", "digest"))
        shares = GaugeMetricFamily(
            "gateway_reference_class_share",
            "Share of each class in the answers on the validation split.",
            labels=("model", "class"),
        )
        confidence = GaugeMetricFamily(
            "gateway_reference_confidence", "Deciles of the confidence of those answers.", labels=("model", "quantile")
        )
        not_sure = GaugeMetricFamily(
            "gateway_reference_not_sure_share", "Share of those answers that were not sure.", labels=("model",)
        )
        for model, description in self._classifier.described().items():
            info.add_metric((model, description.weights_digest or ""), 1)
            reference = description.drift_reference
            if reference is None:
                continue
            for label, share in reference.class_shares.items():
                shares.add_metric((model, label), share)
            for tenth, value in enumerate(reference.confidence_deciles, 1):
                confidence.add_metric((model, f"0.{tenth}"), value)
            if reference.low_confidence_share is not None:
                not_sure.add_metric((model,), reference.low_confidence_share)
        yield from (info, shares, confidence, not_sure)
