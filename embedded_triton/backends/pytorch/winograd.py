"""3x3 convolutions of a network on a processor by Winograd's method, which PyTorch has not: see ``winograd.c``."""

import ctypes
import importlib.util
import os
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import torch

_SOURCE = Path(__file__).with_name("winograd.c")
#: NHWC in memory.
_LAYOUT = torch.channels_last
_NAME = "bin_it_right::winograd_convolution"
_SCHEMA = "(Tensor images, Tensor weights, Tensor bias, Tensor? residual, bool relu) -> Tensor"
#: Transformed weights are four times as large. Larger ones come from memory for every photo, and nothing is won.
_MOST_BYTES = 16 << 20
_COMPILE_SECONDS = 60.0


class WinogradError(Exception):
    """There are no such convolutions on this machine."""


class Kernels:
    """The compiled kernels. Other threads of Python run meanwhile."""

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, size, flag = ctypes.c_void_p, ctypes.c_long, ctypes.c_int
        self._size, self._scratch = library.winograd_weights, library.winograd_scratch
        self._prepare, self._convolve = library.winograd_prepare, library.winograd_convolve
        self._size.argtypes = self._scratch.argtypes = [size, size]
        self._size.restype = self._scratch.restype = size
        self._prepare.argtypes, self._prepare.restype = [pointer, size, size, pointer], None
        images, weights = (pointer, size, size, size, size), (pointer, size)
        self._convolve.argtypes = [*images, *weights, pointer, pointer, flag, pointer, pointer]
        self._convolve.restype = None
        self._memory = threading.local()

    @staticmethod
    def take(weights: torch.Tensor) -> bool:
        """Return whether there are kernels for weights [outputs, channels, height, width], and they gain by them."""
        outputs, channels, *kernel = weights.shape
        small = 36 * outputs * channels * weights.element_size() <= _MOST_BYTES
        fitting = channels % 16 == 0 and outputs % 16 == 0 and outputs >= 32
        return weights.dtype is torch.float and kernel == [3, 3] and fitting and small

    def prepare(self, weights: torch.Tensor) -> torch.Tensor:
        """Transform FP32 weights [outputs, channels, 3, 3] for ``convolve``."""
        weights = weights.contiguous()
        outputs, channels, *_ = weights.shape
        prepared = torch.empty(self._size(channels, outputs))
        self._prepare(weights.data_ptr(), channels, outputs, prepared.data_ptr())
        return prepared

    def convolve(
        self,
        images: torch.Tensor,
        weights: torch.Tensor,
        bias: torch.Tensor,
        residual: torch.Tensor | None,
        relu: bool,
    ) -> torch.Tensor:
        """Return FP32 images [N, C, H, W] convolved to [N, outputs, H, W]: stride 1, a border of one zero.

        Args:
            images: what is convolved.
            weights: from ``prepare``.
            bias: FP32 [outputs], added.
            residual: added too; in the shape of the result it costs nothing.
            relu: whether what is below zero becomes zero.
        """
        images = images.contiguous(memory_format=_LAYOUT)
        count, channels, height, width = images.shape
        outputs = len(bias)
        shape = (count, outputs, height, width)
        if residual is not None and residual.shape != shape:
            result = self.convolve(images, weights, bias, None, False) + residual
            return torch.relu(result) if relu else result
        added = None if residual is None else residual.contiguous(memory_format=_LAYOUT)
        result = torch.empty(shape, memory_format=_LAYOUT)
        scratch = self._room(self._scratch(channels, outputs))
        self._convolve(
            *(images.data_ptr(), count, height, width, channels, weights.data_ptr(), outputs, bias.data_ptr()),
            *(None if added is None else added.data_ptr(), relu, result.data_ptr(), scratch.data_ptr()),
        )
        return result

    def _room(self, floats: int) -> torch.Tensor:
        """Return memory that this thread keeps: got and given back for each convolution it would cost page faults."""
        room: torch.Tensor | None = getattr(self._memory, "room", None)
        if room is None or len(room) < floats:
            room = self._memory.room = torch.empty(floats)
        return room


@cache
def kernels() -> Kernels:
    """Return the kernels, compiled for this processor.

    Raises:
        WinogradError: it has no wide vectors, or they can not be compiled.
    """
    compiled = Kernels(compile_for("native"))
    torch.library.define(_NAME, _SCHEMA)
    torch.library.impl(_NAME, "CPU", compiled.convolve)
    return compiled


def compile_for(processor: str) -> ctypes.CDLL:
    """Compile ``winograd.c`` for a kind of processor, by Zig's C compiler, which is a Python package.

    Raises:
        WinogradError: it has no wide vectors, or nothing can be compiled.
    """
    with tempfile.TemporaryDirectory(prefix="winograd-") as folder:
        library = _compile(Path(folder), processor)
    if not library.winograd_has_vectors():
        raise WinogradError("this processor has neither AVX-512 nor AVX2, or the compiler does not know it")
    return library


def _compile(folder: Path, processor: str) -> ctypes.CDLL:
    package = importlib.util.find_spec("ziglang")
    if package is None or not package.submodule_search_locations:
        raise WinogradError("the package ziglang is not installed")
    library = folder / "winograd.so"
    compiler = [str(Path(package.submodule_search_locations[0], "zig")), "cc"]
    options = ["-O3", f"-march={processor}", "-ffast-math", "-fPIC", "-shared", "-nostdlib"]
    command = [*compiler, *options, str(_SOURCE), "-o", str(library)]
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(folder), "ZIG_LOCAL_CACHE_DIR": str(folder)}
    try:
        subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_COMPILE_SECONDS, check=True)
        return ctypes.CDLL(str(library))
    except subprocess.CalledProcessError as error:
        raise WinogradError(f"the compiler failed: {error.stderr.strip()[-500:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WinogradError(f"the kernels can not be compiled: {error}") from error


def replace_convolutions(network: Any) -> int:
    """Have a frozen TorchScript network use the kernels, and return for how many convolutions.

    What follows a convolution, a sum with another tensor and a ReLU, becomes part of it.

    Raises:
        WinogradError: there are no kernels.
    """
    graph = network.graph
    found = [node for node in graph.findAllNodes("aten::_convolution") if _is_replaceable(node)]
    for node in found:
        _replace(graph, node, kernels())
    torch._C._jit_pass_dce(graph)
    return len(found)


def _is_replaceable(node: Any) -> bool:
    _, weights, bias, stride, padding, dilation, transposed, _, groups, *_ = (
        value.toIValue() for value in node.inputs()
    )
    known = isinstance(weights, torch.Tensor) and isinstance(bias, torch.Tensor) and weights.ndim == 4
    plain = stride == padding == dilation == [1, 1] and not transposed and groups == 1
    return bool(known and plain and Kernels.take(weights))


def _replace(graph: Any, node: Any, compiled: Kernels) -> None:
    images, weights, bias, *_ = node.inputs()
    replaced, residual = [node], None
    if (following := _only_user(node)) is not None and following.kind() in {"aten::add", "aten::add_"}:
        left, right, factor = following.inputs()
        is_left = left.debugName() == node.output().debugName()
        # A sum in place would change the other tensor for everybody.
        if factor.toIValue() == 1 and (is_left or following.kind() == "aten::add"):
            replaced.append(following)
            residual = right if is_left else left
    following = _only_user(replaced[-1])
    if relu := following is not None and following.kind() in {"aten::relu", "aten::relu_"}:
        replaced.append(following)
    last = replaced[-1]
    # Here everything that is added is there too.
    graph.setInsertPoint(last)
    prepared = graph.insertConstant(compiled.prepare(weights.toIValue()))
    added = graph.insertConstant(None) if residual is None else residual
    convolution = graph.create(_NAME, [images, prepared, bias, added, graph.insertConstant(relu)], 1)
    graph.insertNode(convolution)
    convolution.output().setType(last.output().type())
    last.output().replaceAllUsesWith(convolution.output())
    for each in reversed(replaced):
        each.destroy()


def _only_user(node: Any) -> Any:
    uses = node.output().uses()
    return uses[0].user if len(uses) == 1 else None
