"""3x3 convolutions of a network on a processor by Winograd's method, which PyTorch has not: see ``winograd.c``."""

import ctypes
import hashlib
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

import torch

#: Compiles and loads a file of C.
Compile = Callable[..., ctypes.CDLL]

_SOURCE = Path(__file__).with_name("winograd.c")
#: NHWC in memory.
_LAYOUT = torch.channels_last
_NAME = "bin_it_right::winograd_convolution"
_SCHEMA = "(Tensor images, int weights, Tensor bias, Tensor? residual, bool relu) -> Tensor"
#: Tiles of 4x4 results want fewest products, but weights four times as large as they were; of 2x2, not quite twice.
_STEPS = (4, 2)
#: Weights that are larger than this for tiles of 4x4 results come from memory every time: then 2x2 are faster.
_MOST_BYTES = 16 << 20


class WinogradError(Exception):
    """There are no such convolutions on this machine."""


class Tiles:
    """The compiled kernels for tiles of one size. Other threads of Python run meanwhile."""

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

    @classmethod
    def compiled(cls, compile_c: Compile, step: int, processor: str = "native") -> Self:
        """Return the kernels for tiles of ``step`` x ``step`` results, 4 or 2, and a kind of processor.

        Raises:
            WinogradError: it has no wide vectors.
        """
        library = compile_c(_SOURCE, "-ffast-math", f"-DSTEP={step}", processor=processor)
        if not library.winograd_has_vectors():
            raise WinogradError("this processor has neither AVX-512 nor AVX2, or the compiler does not know it")
        return cls(library)

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


class Kernels:
    """Convolutions by the tiles that suit the image. Copies of a network share the transformed weights."""

    def __init__(self, tiles: dict[int, Tiles]) -> None:
        self._tiles = tiles
        self._weights: dict[int, torch.Tensor] = {}
        self._prepared: dict[tuple[int, int], torch.Tensor] = {}
        self._chosen: dict[tuple[int, int, int], tuple[Tiles, torch.Tensor]] = {}

    @staticmethod
    def take(weights: torch.Tensor) -> bool:
        """Return whether there are kernels for weights [outputs, channels, height, width]."""
        outputs, channels, *kernel = weights.shape
        fitting = channels % 16 == 0 and outputs % 16 == 0 and outputs >= 32
        return weights.dtype is torch.float and kernel == [3, 3] and fitting

    def keep(self, weights: torch.Tensor) -> int:
        """Return by what name ``convolve`` knows FP32 weights [outputs, channels, 3, 3]; equal ones have the same."""
        digest = hashlib.blake2b(weights.contiguous().numpy().tobytes(), digest_size=8).digest()
        name = int.from_bytes(digest, signed=True)
        self._weights[name] = weights
        return name

    def convolve(
        self, images: torch.Tensor, weights: int, bias: torch.Tensor, residual: torch.Tensor | None, relu: bool
    ) -> torch.Tensor:
        """As ``Tiles.convolve``, with weights by the name that ``keep`` gave them."""
        height, width = images.shape[2:]
        chosen = self._chosen.get((weights, height, width))
        if chosen is None:
            chosen = self._chosen[weights, height, width] = self._choose(weights, height, width)
        tiles, prepared = chosen
        return tiles.convolve(images, prepared, bias, residual, relu)

    def _choose(self, weights: int, height: int, width: int) -> tuple[Tiles, torch.Tensor]:
        step = step_for(self._weights[weights], height, width)
        if (weights, step) not in self._prepared:
            self._prepared[weights, step] = self._tiles[step].prepare(self._weights[weights])
        return self._tiles[step], self._prepared[weights, step]


def step_for(weights: torch.Tensor, height: int, width: int) -> int:
    """Return the edge of the tiles, 4 or 2 results, for weights [outputs, channels, 3, 3] and an image of that size."""
    outputs, channels, *_ = weights.shape
    large, small = (-(-height // step) * -(-width // step) * (step + 2) ** 2 for step in _STEPS)
    return 2 if small <= large or 36 * outputs * channels * weights.element_size() > _MOST_BYTES else 4


@cache
def kernels(compile_c: Compile) -> Kernels:
    """Return the kernels, compiled for this processor, and known to PyTorch.

    Raises:
        WinogradError: the processor has no wide vectors.
    """
    compiled = Kernels({step: Tiles.compiled(compile_c, step) for step in _STEPS})
    torch.library.define(_NAME, _SCHEMA)
    torch.library.impl(_NAME, "CPU", compiled.convolve)
    return compiled


def replace_convolutions(network: Any, compile_c: Compile) -> int:
    """Have a frozen TorchScript network use the kernels, and return for how many convolutions.

    What follows a convolution, a sum with another tensor and a ReLU, becomes part of it.

    Args:
        network: the module, whose graph is changed.
        compile_c: compiles and loads a file of C; called where a convolution is found.

    Raises:
        WinogradError: there are no kernels for this processor.
    """
    graph = network.graph
    # Of what changes a tensor in place, oneDNN's graph does not learn the layout: it would hand the images of the
    # kernels over in another one.
    torch._C._jit_pass_remove_mutation(graph)
    found = [node for node in graph.findAllNodes("aten::_convolution") if _is_replaceable(node)]
    for node in found:
        _replace(graph, node, kernels(compile_c))
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
    if (following := _only_user(node)) is not None and following.kind() == "aten::add":
        left, right, factor = following.inputs()
        if factor.toIValue() == 1:
            replaced.append(following)
            residual = right if left.debugName() == node.output().debugName() else left
    following = _only_user(replaced[-1])
    if relu := following is not None and following.kind() == "aten::relu":
        replaced.append(following)
    last = replaced[-1]
    # Here everything that is added is there too.
    graph.setInsertPoint(last)
    added = graph.insertConstant(None) if residual is None else residual
    name = graph.insertConstant(compiled.keep(weights.toIValue()))
    convolution = graph.create(_NAME, [images, name, bias, added, graph.insertConstant(relu)], 1)
    graph.insertNode(convolution)
    convolution.output().setType(last.output().type())
    last.output().replaceAllUsesWith(convolution.output())
    for each in reversed(replaced):
        each.destroy()


def _only_user(node: Any) -> Any:
    uses = node.output().uses()
    return uses[0].user if len(uses) == 1 else None
