"""Python-based stand-in for Triton's native PyTorch backend, for machines where only the server of the wheel is.

It takes the same model folders (TorchScript, ``model.pt`` or the file that the configuration names) and honours those
parameters of the native backend that apply: INFERENCE_MODE, INTRA_OP_THREAD_COUNT, INTER_OP_THREAD_COUNT and
DISABLE_OPTIMIZED_EXECUTION, which on a processor forbids oneDNN's graph and the convolutions of ``methods``. Three of
its own, which the native backend ignores: HALF_ON_GPU computes in half precision where the instance is on a GPU,
BFLOAT16_ON_CPU in bfloat16 where it is on a processor that multiplies such numbers itself, and OVERLAP_ON_CPU is
how many photos a batch has at most that an instance there is not done with when it takes the next.
"""

import json
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
import triton_python_backend_utils as pb_utils

from embedded_triton.backends.compiler import CompilerError, compile_c
from embedded_triton.backends.pytorch.convolution import ConvolutionError
from embedded_triton.backends.pytorch.cores import Cores, Network, Tensors, keep_freed_memory
from embedded_triton.backends.pytorch.graphs import Graphs, RecordingError
from embedded_triton.backends.pytorch.replacement import replace_convolutions

#: Triton's types of tensors, and PyTorch's.
_TYPES = {
    "UINT8": torch.uint8,
    "INT32": torch.int32,
    "INT64": torch.int64,
    "FP16": torch.half,
    "FP32": torch.float,
}
#: By how much a network may answer otherwise with the compiled convolutions: single precision is good to 1e-5 there.
_MOST_DIFFERENCE = 1e-3


class TritonPythonModel:
    """One instance: one frozen TorchScript module, which runs one batch for all the requests that it is handed."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model's file onto the device of the instance.

        Args:
            args: what the Python backend says of the instance; ``model_config`` is the configuration as JSON.

        Raises:
            pb_utils.TritonModelException: the version folder does not hold the file, or a parameter is no number.
        """
        config = json.loads(args["model_config"])
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [tensor["name"] for tensor in config["output"]]
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
        self._inference_mode = _flag(parameters, "INFERENCE_MODE", default=True)
        _set_threads(parameters)
        on_gpu = self._on_gpu = args["model_instance_kind"] == "GPU" and torch.cuda.is_available()
        self._device = torch.device("cuda", int(args["model_instance_device_id"])) if on_gpu else torch.device("cpu")
        self._dtype = _precision(parameters, on_gpu=on_gpu)
        file = config.get("default_model_filename") or "model.pt"
        path = Path(args["model_repository"], args["model_version"], file)
        if not path.is_file():
            raise pb_utils.TritonModelException(f"{path} is missing")
        self._cores: Cores | None = None
        if on_gpu:
            torch.cuda.set_device(self._device)
            self._network = _recorded(self._load(path), _largest_batch(config, self._device, self._dtype))
            return
        optimized = not _flag(parameters, "DISABLE_OPTIMIZED_EXECUTION")
        keep_freed_memory()
        # oneDNN's graph fuses what follows a convolution into it: `raw` takes a seventh less, `pretrained` a fifth.
        torch.jit.enable_onednn_fusion(optimized)
        compiled = optimized and self._gains_by_compiled(path, config)
        threads = torch.get_num_threads()
        # Unless the configuration says how many threads are its own, an instance shares the cores with the others.
        share = threads if "INTRA_OP_THREAD_COUNT" in parameters else max(1, threads // _instances(config))
        # With several threads at each convolution PyTorch's own are as fast.
        self._cores = Cores(
            lambda threads: self._load(path, compiled=compiled and threads == 1),
            alone=threads,
            together=share,
            overlap=int(parameters.get("OVERLAP_ON_CPU", 0)),
        )
        if (inputs := _largest_batch(config, self._device, self._dtype)) is not None:
            self._cores.warm_up(*(tensor[:1] for tensor in inputs))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request with its rows of one common batch; None for one that is answered a little later."""
        inputs = [[self._tensor(request, name) for name in self._inputs] for request in requests]
        if self._cores:
            return list(map(self._answer, requests, self._cores(inputs)))
        results = self._network(*zip(*inputs, strict=True))
        # The answers are small: one copy to the host for the whole batch, and only of what somebody asked for, is
        # cheaper than handing over a tensor on the GPU for each request. It also waits until they are computed.
        wanted = {name for request in requests for name in request.requested_output_names()}
        named = zip(self._outputs, results, strict=True)
        sizes = [len(tensors[0]) for tensors in inputs]
        split = {name: output.float().cpu().split(sizes) for name, output in named if name in wanted}  # type: ignore[no-untyped-call]
        return [
            _response(request, {name: outputs[index] for name, outputs in split.items()})
            for index, request in enumerate(requests)
        ]

    def _answer(self, request: Any, future: Future[Tensors]) -> Any:
        """Return the answer; None where a core is still at work on it, which then sends it itself."""

        def respond(done: Future[Tensors]) -> Any:
            if error := done.exception():
                return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"{type(error).__name__}: {error}"))
            return _response(request, dict(zip(self._outputs, done.result(), strict=True)))

        if future.done():
            return respond(future)
        sender = request.get_response_sender()
        future.add_done_callback(
            lambda done: sender.send(respond(done), flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        )
        return None

    def _load(self, path: Path, *, compiled: bool = False) -> Network:
        """Return a copy of the network in ``path``, on the device and in the precision of the instance."""
        module = _frozen(path, self._device, self._dtype)
        if compiled:
            replace_convolutions(module, compile_c)

        def compute(*batches: torch.Tensor) -> Tensors:
            # On a GPU the graph is frozen and no more: what the executor would specialise and compile at run time, it
            # would compile anew for every batch size. On a CPU every photo is a batch of its own.
            compiling = torch.jit.optimized_execution(not self._on_gpu)  # type: ignore[attr-defined]
            with torch.inference_mode(self._inference_mode), torch.no_grad(), compiling:
                result = module(*map(self._laid_out, batches))
            return (result,) if isinstance(result, torch.Tensor) else tuple(result)

        return compute

    def _gains_by_compiled(self, path: Path, config: dict[str, Any]) -> bool:
        """Return whether the network answers the same with the convolutions that ``replacement`` finds, if it does."""
        inputs = _largest_batch(config, self._device, self._dtype)
        if inputs is None or self._dtype is not torch.float:
            return False
        photo = [tensor[:1].normal_() if tensor.is_floating_point() else tensor[:1].random_(256) for tensor in inputs]
        try:
            expected = self._load(path)(*photo)
            results = self._load(path, compiled=True)(*photo)
            same = all(
                torch.allclose(result, wanted, rtol=_MOST_DIFFERENCE, atol=_MOST_DIFFERENCE)
                for result, wanted in zip(results, expected, strict=True)
            )
        except (CompilerError, ConvolutionError, RuntimeError, IndexError) as error:
            pb_utils.Logger.log_warn(f"The network runs with PyTorch's convolutions, slower: {error}")
            return False
        if not same:
            pb_utils.Logger.log_warn(
                "The network answers otherwise with compiled convolutions: it runs with PyTorch's."
            )
        return same

    def _laid_out(self, batch: torch.Tensor) -> torch.Tensor:
        """Return a batch of images as tensor cores take it; oneDNN orders values as it likes."""
        return batch.contiguous(memory_format=torch.channels_last) if self._on_gpu and batch.ndim == 4 else batch

    def _tensor(self, request: Any, name: str) -> torch.Tensor:
        # A tensor of the stub has no work pending, so there is no stream to wait for; where it is on this GPU already
        # (FORCE_CPU_ONLY_INPUT_TENSORS: no), nothing is copied.
        tensor = torch.utils.dlpack.from_dlpack(pb_utils.get_input_tensor_by_name(request, name))
        return tensor.to(self._device, self._dtype if tensor.is_floating_point() else tensor.dtype)


def _response(request: Any, outputs: Mapping[str, torch.Tensor]) -> Any:
    """Return what the request asks for: an ensemble that hands one output on pays for no other."""
    tensors = ((name, outputs[name].float().contiguous()) for name in request.requested_output_names())
    return pb_utils.InferenceResponse([pb_utils.Tensor.from_dlpack(name, tensor) for name, tensor in tensors])


def _precision(parameters: dict[str, str], *, on_gpu: bool) -> torch.dtype:
    if on_gpu:
        return torch.half if _flag(parameters, "HALF_ON_GPU") else torch.float
    if _flag(parameters, "BFLOAT16_ON_CPU"):
        able = torch.cpu.get_capabilities()
        if able.get("avx512_bf16") or able.get("amx_bf16"):
            return torch.bfloat16
        # Emulated it takes ten times as long.
        pb_utils.Logger.log_warn("This processor has no instructions for bfloat16: computing in float32.")
    return torch.float


def _frozen(path: Path, device: torch.device, dtype: torch.dtype) -> Any:
    with warnings.catch_warnings():
        # TorchScript is in maintenance, and every torch.jit call says so; the native backend takes nothing else.
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
        return torch.jit.freeze(module.eval().to(memory_format=torch.channels_last, dtype=dtype))


def _recorded(network: Network, inputs: list[torch.Tensor] | None) -> Callable[..., Tensors]:
    """Return the network as recordings of it; as it is, where its inputs are not fixed or it can not be recorded."""
    if inputs is None:
        return _joining(network)
    try:
        return Graphs(network, inputs)
    except RecordingError as error:
        pb_utils.Logger.log_warn(f"The network runs without CUDA graphs, slower: {error}")
        return _joining(network)


def _joining(network: Network) -> Callable[..., Tensors]:
    """Return what calls the network with the tensors of all requests as one batch."""
    return lambda *columns: network(*map(torch.cat, columns))


def _largest_batch(config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> list[torch.Tensor] | None:
    """Return a tensor for each input, as large as a batch can be; None where that is not fixed."""
    fixed = all(int(each) > 0 for tensor in config["input"] for each in tensor["dims"])
    names = [tensor["data_type"].removeprefix("TYPE_") for tensor in config["input"]]
    if not fixed or not _TYPES.keys() >= set(names) or int(config["max_batch_size"]) < 1:
        return None
    shapes = [(int(config["max_batch_size"]), *map(int, tensor["dims"])) for tensor in config["input"]]
    return [
        torch.zeros(shape, dtype=dtype if _TYPES[name].is_floating_point else _TYPES[name], device=device)
        for shape, name in zip(shapes, names, strict=True)
    ]


def _instances(config: dict[str, Any]) -> int:
    return sum(int(group["count"]) for group in config["instance_group"])


def _flag(parameters: dict[str, str], name: str, *, default: bool = False) -> bool:
    return parameters[name].lower() in {"true", "1"} if name in parameters else default


def _set_threads(parameters: dict[str, str]) -> None:
    for name, apply in (
        ("INTRA_OP_THREAD_COUNT", torch.set_num_threads),
        ("INTER_OP_THREAD_COUNT", torch.set_num_interop_threads),
    ):
        if name in parameters:
            apply(int(parameters[name]))
