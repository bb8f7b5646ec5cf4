"""A prototype of a backend that decodes and computes in one process: an image's bytes in, its probabilities out.

Not served by default: it is measured against the ensemble, whose pixels Triton copies and waits for one by one.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from embedded_triton.backends.dali import backend as dali
from embedded_triton.backends.pytorch import backend as pytorch
from embedded_triton.backends.pytorch.host_tensor import HostTensor


class TritonPythonModel(dali.TritonPythonModel):
    """The decoder of ``preprocess``, followed by a network."""

    def initialize(self, args: dict[str, str]) -> None:
        """Build decoder and network from the configurations of both, which are parameters of this one's.

        Args:
            args: what the Python backend says of the instance.
        """
        parameters = json.loads(args["model_config"])["parameters"]
        decoder, network = (_steps_arguments(args, parameters[step]["string_value"]) for step in ("decoder", "network"))
        super().initialize(decoder)
        self._answers_late = False  # the whole batch is computed at once
        self._after = pytorch.TritonPythonModel()
        self._after.initialize(network)
        self._probabilities = json.loads(args["model_config"])["output"][0]["name"]

    def _respond(self, answers: list[Any]) -> Any:
        """Keep what is decoded until the whole batch is; ``execute`` computes it."""
        return answers

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request with its probabilities, or with the reason why its image could not be decoded."""
        decoded: list[list[Any]] = super().execute(requests)
        responses: list[Any] = [None] * len(requests)
        good = []
        for index, images in enumerate(decoded):
            if any(isinstance(image, Exception) for image in images):
                responses[index] = super()._respond(images)
            else:
                good.append(index)
        computed = self._computed([self._batches.join(decoded[index]) for index in good])
        for index, rows in zip(good, computed, strict=True):
            tensor = pb_utils.Tensor.from_dlpack(self._probabilities, rows)
            responses[index] = pb_utils.InferenceResponse([tensor])
        return responses

    def _computed(self, batches: list[Any]) -> list[Any]:
        if not batches:
            return []
        if self._after._on_gpu:
            return [rows for (rows,) in self._after._network([[batch] for batch in batches], [0])]
        return [HostTensor(self._on_cpu(np.from_dlpack(batch))) for batch in batches]

    def _on_cpu(self, batch: Any) -> Any:
        return np.concatenate([self._after._network.infer([image[None]])[0] for image in batch])


def _steps_arguments(args: dict[str, str], text: str) -> dict[str, str]:
    config = text_format.Parse(text, ModelConfig())
    content = json_format.MessageToDict(
        config, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    folder = Path(args["model_repository"]).parent / config.name
    return {**args, "model_config": json.dumps(content), "model_repository": str(folder), "model_version": "1"}
