"""Asks the server the only question that counts: does every ensemble answer a real inference?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tritonclient.grpc import MAX_GRPC_MESSAGE_SIZE, InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

#: Calls of this machine to itself never go by a proxy, whatever http_proxy, https_proxy and grpc_proxy say. This list
#: replaces all of tritonclient's own options, so the sizes of messages stand here too.
_CHANNEL = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_send_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_GRPC_MESSAGE_SIZE),
]
_QUEUE_FULL = "Exceeds maximum queue size"
#: Nobody listens yet, a model is not loaded yet, or its first answer takes its time.
_WHILE_STARTING = {f"StatusCode.{name}" for name in ("UNAVAILABLE", "NOT_FOUND", "DEADLINE_EXCEEDED")}


class ProbeError(Exception):
    """An ensemble gave no right answer; ``str()`` says which and why."""

    def __init__(self, message: str, *, may_be_starting: bool = False) -> None:
        """Note ``message``, and whether a server that is still starting would have answered the same."""
        super().__init__(message)
        self.may_be_starting = may_be_starting


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
        Arguments and errors are those of ``__call__``.
        """
        with InferenceServerClient(self._url, channel_args=_CHANNEL) as client:
            for ensemble, before in self._answered.items():
                answered = self._count(client, ensemble, timeout)
                if answered <= before:  # fewer where the server was started again
                    self._ask(client, ensemble, timeout)
                    answered += 1
                self._answered[ensemble] = answered

    def _count(self, client: InferenceServerClient, ensemble: str, timeout: float) -> int:
        try:
            statistics = client.get_inference_statistics(ensemble, client_timeout=timeout)
        except InferenceServerException as exc:
            raise _error(ensemble, exc) from exc
        return sum(int(version.inference_stats.success.count) for version in statistics.model_stats)

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
    return ProbeError(f"{ensemble} answers: {exc.message()}", may_be_starting=exc.status() in _WHILE_STARTING)
