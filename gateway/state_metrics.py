"""Metrics that are read from the gateway's state at the moment they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.admission import Admission, UploadMemory
from gateway.prediction import Classifier


class StateCollector(Collector):
    """What is in flight, which models answer, and what the export says that answers should look like."""

    def __init__(
        self, classifier: Classifier, admission: Admission, memory: UploadMemory, model_types: tuple[str, ...]
    ) -> None:
        self._classifier = classifier
        self._admission = admission
        self._memory = memory
        self._model_types = model_types

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, as prometheus_client wants them."""
        in_flight = GaugeMetricFamily(
            "gateway_requests_in_flight", "Admitted requests that Triton has not finished.", labels=("model",)
        )
        for model in self._model_types:
            in_flight.add_metric((model,), self._admission.in_flight[model])
        yield in_flight
        yield GaugeMetricFamily(
            "gateway_decoded_bytes_in_flight", "Decoded pixels of admitted requests.", self._admission.decoded_bytes
        )
        yield GaugeMetricFamily("gateway_upload_bytes_in_flight", "Uploads held in memory.", self._memory.bytes)
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
            "Share of each class in the judged answers.",
            labels=("model", "class"),
        )
        confidence = GaugeMetricFamily(
            "gateway_reference_confidence", "Deciles of their confidence.", labels=("model", "quantile")
        )
        not_sure = GaugeMetricFamily(
            "gateway_reference_not_sure_share", "Share of them that were not sure.", labels=("model",)
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
