"""Python-based stand-in for Triton's native PyTorch backend, for machines where only the server of the wheel is.

It takes the same model folders: TorchScript, ``model.pt`` or the file that the configuration names. On a CPU OpenVINO
computes it (``cpu_network``), on a GPU PyTorch (``gpu_network``). Of the native backend's parameters
INTRA_OP_THREAD_COUNT applies, on a CPU. Three parameters are its own, which the native backend ignores: HALF_ON_GPU
computes in half precision on a GPU, CUDA_GRAPHS (``true`` by default) records the network there, and CPU_PRECISION
(``auto``, ``float32`` or ``bfloat16``) says what a CPU does unless the environment's EMBEDDED_TRITON_CPU_PRECISION says
otherwise.
"""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from embedded_triton.backends.pytorch.host_tensor import HostTensor
from embedded_triton.install.cpu import choose_precision, usable_cores

_CPU_TYPES = ("UINT8", "INT32", "INT64", "FP16", "FP32")


class TritonPythonModel:
    """One instance of a network."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model's file onto the device of the instance.

        Args:
            args: what the Python backend says of the instance; ``model_config`` is the configuration as JSON.

        Raises:
            pb_utils.TritonModelException: the version folder does not hold the file, it cannot be converted, or the
                configuration asks for what this backend cannot do.
        """
        config = json.loads(args["model_config"])
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [tensor["name"] for tensor in config["output"]]
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
        file = config.get("default_model_filename") or "model.pt"
        path = Path(args["model_repository"], args["model_version"], file)
        if not path.is_file():
            raise pb_utils.TritonModelException(f"{path} is missing")
        network = None
        if args["model_instance_kind"] == "GPU":
            network = _on_gpu(path, config, parameters, int(args["model_instance_device_id"]))
        self._on_gpu = network is not None
        self._network = network or _on_cpu(path, config, parameters)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request with its rows; None for one that is answered a little later."""
        return self._execute_batch(requests) if self._on_gpu else self._execute_streams(requests)

    def finalize(self) -> None:
        """Answer what is still being computed."""
        if not self._on_gpu:
            self._network.wait()

    def _execute_batch(self, requests: list[Any]) -> list[Any]:
        wanted = {name for request in requests for name in request.requested_output_names()}
        names = [name for name in self._outputs if name in wanted]
        tensors = [[pb_utils.get_input_tensor_by_name(request, name) for name in self._inputs] for request in requests]
        answers = self._network(tensors, [self._outputs.index(name) for name in names])
        return [
            _response(request, dict(zip(names, answer, strict=True)))
            for request, answer in zip(requests, answers, strict=True)
        ]

    def _execute_streams(self, requests: list[Any]) -> list[Any]:
        # DLPack only: as_numpy() of the wheel's stub returns wrong values under numpy 2 without an error.
        inputs = [
            [np.from_dlpack(pb_utils.get_input_tensor_by_name(request, name)) for name in self._inputs]
            for request in requests
        ]
        if len(requests) == 1 and len(inputs[0][0]) == 1 and self._network.is_idle:
            return [self._answer(requests[0], self._network.infer(inputs[0]))]
        for request, tensors in zip(requests, inputs, strict=True):
            self._network.start(tensors, partial(self._send, request))
        return [None] * len(requests)

    def _send(self, request: Any, outputs: Sequence[Any] | Exception) -> None:
        try:
            response = self._answer(request, outputs)
            request.get_response_sender().send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        except Exception as exc:  # nobody else would say it: this runs in a thread of OpenVINO
            pb_utils.Logger.log_error(f"A response could not be sent: {type(exc).__name__}: {exc}")

    def _answer(self, request: Any, outputs: Sequence[Any] | Exception) -> Any:
        if isinstance(outputs, Exception):
            error = pb_utils.TritonError(f"{type(outputs).__name__}: {outputs}")
            return pb_utils.InferenceResponse(error=error)
        return _response(request, dict(zip(self._outputs, map(HostTensor, outputs), strict=True)))


def _response(request: Any, outputs: Mapping[str, Any]) -> Any:
    """Return what the request asks for: an ensemble that hands one output on pays for no other."""
    return pb_utils.InferenceResponse(
        [pb_utils.Tensor.from_dlpack(name, outputs[name]) for name in request.requested_output_names()]
    )


def _on_gpu(path: Path, config: dict[str, Any], parameters: Mapping[str, str], device: int) -> Any:
    """Return the network on a GPU; None where this PyTorch can use none (``make run TORCH=cpu``)."""
    # Only here: on a CPU PyTorch would cost 0.3 GB of memory.
    import torch

    from embedded_triton.backends.pytorch.gpu_network import GpuNetwork

    if not torch.cuda.is_available():
        return None
    torch.cuda.set_device(device)
    half = parameters.get("HALF_ON_GPU", "false").lower() in {"true", "1"}
    graphs = parameters.get("CUDA_GRAPHS", "true").lower() in {"true", "1"}
    warn = pb_utils.Logger.log_warn
    return GpuNetwork(path, config, device=torch.device("cuda", device), half=half, graphs=graphs, warn=warn)


def _on_cpu(path: Path, config: dict[str, Any], parameters: Mapping[str, str]) -> Any:
    from embedded_triton.backends.pytorch.conversion import InputSpecification
    from embedded_triton.backends.pytorch.converted_models import ConvertedModels
    from embedded_triton.backends.pytorch.cpu_network import CpuNetwork

    inputs = [
        InputSpecification(tensor["data_type"].removeprefix("TYPE_"), tuple(map(int, tensor["dims"])))
        for tensor in config["input"]
    ]
    if int(config["max_batch_size"]) < 1 or any(
        min(each.dims) < 1 or each.data_type not in _CPU_TYPES for each in inputs
    ):
        raise pb_utils.TritonModelException(
            f"{config['name']}: on a CPU max_batch_size must be at least 1 and each input of fixed dims and one of the "
            f"types {', '.join(_CPU_TYPES)}"
        )
    wanted = os.environ.get("EMBEDDED_TRITON_CPU_PRECISION", "auto")
    if wanted == "auto":
        wanted = parameters.get("CPU_PRECISION", "auto")
    precision, reason = choose_precision(wanted)
    pb_utils.Logger.log_info(f"{config['name']} computes in {precision}: {reason}")
    folder = os.environ.get("EMBEDDED_TRITON_CACHE_FOLDER")
    try:
        model = ConvertedModels(Path(folder) if folder else None, pb_utils.Logger.log_warn).load(path, inputs)
    except RuntimeError as exc:
        raise pb_utils.TritonModelException(str(exc)) from exc
    instances = sum(int(group["count"]) for group in config["instance_group"])
    threads = int(parameters.get("INTRA_OP_THREAD_COUNT", max(1, usable_cores() // instances)))
    return CpuNetwork(model, threads=threads, precision=precision)
