"""Replaces convolutions of a network by those of ``methods``."""

from typing import Any

import torch

from embedded_triton.backends.pytorch.convolution import Compile, Kernel
from embedded_triton.backends.pytorch.methods import OPERATOR, Methods, kernel_of, methods, suits


def replace_convolutions(network: Any, compile_c: Compile) -> int:
    """Have a frozen TorchScript network use the methods of this folder, and return for how many convolutions.

    They are found in a network that was traced, and have a bias, as freezing makes it of a normalisation. What follows
    one, a sum with another tensor and a ReLU, becomes part of it.

    Args:
        network: the module, whose graph is changed.
        compile_c: compiles and loads a file of C; called where a convolution is found.

    Raises:
        ConvolutionError: there are no such methods for this processor.
        CompilerError: they can not be compiled.
    """
    graph = network.graph
    # Of what changes a tensor in place, oneDNN's graph does not learn the layout: it would hand the images of the
    # methods over in another one.
    torch._C._jit_pass_remove_mutation(graph)
    found = [node for node in graph.findAllNodes("aten::_convolution") if _is_replaceable(node)]
    for node in found:
        _replace(graph, node, methods(compile_c))
    torch._C._jit_pass_dce(graph)
    return len(found)


def _is_replaceable(node: Any) -> bool:
    kernel = _kernel(node)
    return kernel is not None and suits(kernel)


def _kernel(node: Any) -> Kernel | None:
    """Return the kernel of a convolution; None of what the methods can not be asked for."""
    _, weights, bias, stride, padding, dilation, transposed, _, groups, *_ = (
        value.toIValue() for value in node.inputs()
    )
    if not (isinstance(weights, torch.Tensor) and isinstance(bias, torch.Tensor) and weights.ndim == 4):
        return None
    even = all(isinstance(each, list) and len({*each}) == 1 for each in (stride, padding))
    if not even or dilation != [1, 1] or transposed or groups != 1 or weights.dtype is not torch.float:
        return None
    return kernel_of(weights, stride[0], padding[0])


def _replace(graph: Any, node: Any, compiled: Methods) -> None:
    images, weights, bias, stride, padding, *_ = node.inputs()
    replaced, residual = [node], None
    if (following := _only_user(graph, node)) is not None and following.kind() == "aten::add":
        left, right, *factor = following.inputs()
        tensors = left.type().kind() == right.type().kind() == "TensorType"
        if tensors and [each.toIValue() for each in factor] == [1]:
            replaced.append(following)
            residual = right if left.debugName() == node.output().debugName() else left
    following = _only_user(graph, replaced[-1])
    if relu := following is not None and following.kind() == "aten::relu":
        replaced.append(following)
    last = replaced[-1]
    # Here everything that is added is there too.
    graph.setInsertPoint(last)
    given = (compiled.keep(weights.toIValue()), stride.toIValue()[0], padding.toIValue()[0])
    added = graph.insertConstant(None) if residual is None else residual
    inputs = [images, *map(graph.insertConstant, given), bias, added, graph.insertConstant(relu)]
    convolution = graph.create(OPERATOR, inputs, 1)
    graph.insertNode(convolution)
    convolution.output().setType(last.output().type())
    last.output().replaceAllUsesWith(convolution.output())
    for each in reversed(replaced):
        each.destroy()


def _only_user(graph: Any, node: Any) -> Any:
    """Return the only node that uses the result, if nothing between the two changes a tensor.

    The convolution moves there, and would be one of what its images are by then.
    """
    uses = node.output().uses()
    nodes = list(graph.nodes())
    if len(uses) != 1 or uses[0].user not in nodes:
        return None
    between = nodes[nodes.index(node) + 1 : nodes.index(uses[0].user)]
    changing = any("!" in str(each.schema()) or list(each.blocks()) for each in between)
    return None if changing else uses[0].user
