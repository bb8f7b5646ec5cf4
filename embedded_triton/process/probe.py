"""Asks the server the only question that counts: does every ensemble answer a real inference?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tritonclient.grpc import MAX_GRPC_MESSAGE_SIZE, InferenceServerClient, InferInput, model_config_pb2
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

#: Calls of this machine to itself never go by a proxy, whatever http_proxy, https_proxy and grpc_proxy say. This list
#: replaces all of tritonclient's own options, so the sizes of messages stand here too.
_CHANNEL = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_send_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_GRPC_MESSAGE_SIZE),
]
_QUEUE_FULL = "Exceeds maximum queue size"
#: Nobody listens yet, a model is not loaded yet, or its first answer takes its time.
_TIMED_OUT = "StatusCode.DEADLINE_EXCEEDED"
_WHILE_STARTING = {"StatusCode.UNAVAILABLE", "StatusCode.NOT_FOUND", _TIMED_OUT}


class ProbeError(Exception):
    """An ensemble gave no right answer; ``str()`` says which and why."""

    def __init__(self, message: str, *, may_be_starting: bool = False, timed_out: bool = False) -> None:
        """Note ``message``, whether a server that is still starting would say the same, and whether none came."""
        super().__init__(message)
        self.may_be_starting = may_be_starting
        self.timed_out = timed_out


class Probe:
    """Sends one small image to ensembles. The server's own readiness stays true when a backend process is dead."""

    def __init__(self, url: str, ensembles: Sequence[str], image: Path) -> None:
        self._url = url
        self._image = np.frombuffer(image.read_bytes(), dtype=np.uint8)[np.newaxis]
        #: How many requests each had answered when it was last looked at.
        self._answered = dict.fromkeys(ensembles, 0)

    def __call__(self, timeout: float) -> None:
        """Ask every ensemble; a full queue counts as an answer, for the server is alive and busy.

        Args:
            timeout: seconds that each answer may take.

        Raises:
            ProbeError: an ensemble did not answer, or not with probabilities.
        """
        # A new channel each time: a kept one waits longer and longer before it tries a server that was away.
        with InferenceServerClient(self._url, channel_args=_CHANNEL) as client:
            for ensemble in self._answered:
                self._ask(client, ensemble, timeout)

    def ask_silent(self, timeout: float) -> None:
        """Ask those that have answered nobody since the last time, by the server's statistics.

        An answer to somebody else says as much, and an inference on all cores is felt by those who wait for theirs.
        Where no answer comes in time but each of the ensemble's models works, the question waits behind others' images.
        Arguments and errors are those of ``__call__``.
        """
        with InferenceServerClient(self._url, channel_args=_CHANNEL) as client:
            for ensemble, before in self._answered.items():
                counts = self._counts(client, ensemble, timeout)
                if counts[ensemble] <= before:  # fewer where the server was started again
                    try:
                        self._ask(client, ensemble, timeout)
                        counts[ensemble] += 1
                    except ProbeError as exc:
                        if not exc.timed_out or not self._works(client, ensemble, counts, timeout):
                            raise
                self._answered[ensemble] = counts[ensemble]

    def _counts(self, client: InferenceServerClient, ensemble: str, timeout: float) -> Counter[str]:
        """Return how many requests each model has answered."""
        try:
            statistics = client.get_inference_statistics(client_timeout=timeout)
        except InferenceServerException as exc:
            raise _error(ensemble, exc) from exc
        counts = Counter[str]()
        for version in statistics.model_stats:
            counts[version.name] += int(version.inference_stats.success.count)
        return counts

    def _works(self, client: InferenceServerClient, ensemble: str, before: Counter[str], timeout: float) -> bool:
        """Return whether each model of an ensemble has answered since, or answers now."""
        try:
            now = self._counts(client, ensemble, timeout)
            # A model's own count may wait for the end of its batch; an ensemble's answer is one of all its models.
            answered = {model for model in now if now[model] > before[model]}
            for other in self._answered.keys() & answered:
                answered |= self._models(client, other, timeout)
            silent = self._models(client, ensemble, timeout) - answered
            return all(self._answers_zeros(client, model, timeout) for model in silent)
        except (InferenceServerException, ProbeError):
            return False

    def _models(self, client: InferenceServerClient, ensemble: str, timeout: float) -> set[str]:
        config = client.get_model_config(ensemble, client_timeout=timeout).config
        return {step.model_name for step in config.ensemble_scheduling.step}

    def _answers_zeros(self, client: InferenceServerClient, model: str, timeout: float) -> bool:
        """Ask a model by itself, past what waits for the others; False where its inputs have no fixed size."""
        config = client.get_model_config(model, client_timeout=timeout).config
        inputs = []
        for each in config.input:
            if min(each.dims) < 1:
                return False
            kind = model_config_pb2.DataType.Name(each.data_type).removeprefix("TYPE_")
            inputs.append(InferInput(each.name, [1, *each.dims], kind))
            inputs[-1].set_data_from_numpy(np.zeros((1, *each.dims), triton_to_np_dtype(kind)))
        client.infer(model, inputs, client_timeout=timeout)
        return True

    def _ask(self, client: InferenceServerClient, ensemble: str, timeout: float) -> None:
        image = InferInput("IMAGE", list(self._image.shape), "UINT8")
        image.set_data_from_numpy(self._image)
        try:
            result = client.infer(ensemble, [image], client_timeout=timeout)
        except InferenceServerException as exc:
            if _QUEUE_FULL in str(exc.message()):
                return
            raise _error(ensemble, exc) from exc
        probabilities = result.as_numpy("PROBABILITIES")
        if probabilities is None or not np.isclose(probabilities.sum(), 1, atol=1e-3):
            raise ProbeError(f"{ensemble} answers with {probabilities}, which are no probabilities")


def _error(ensemble: str, exc: InferenceServerException) -> ProbeError:
    return ProbeError(
        f"{ensemble} answers: {exc.message()}",
        may_be_starting=exc.status() in _WHILE_STARTING,
        timed_out=exc.status() == _TIMED_OUT,
    )
