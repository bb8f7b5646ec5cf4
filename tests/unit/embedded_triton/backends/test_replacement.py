"""Which convolutions of a network are replaced by compiled ones, and that it answers as before."""

import io
import warnings
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from tests.unit.embedded_triton.backends.pytorch_backend import Residual

OPERATOR = "bin_it_right::convolution"


class Mixed(nn.Module):
    """Convolutions that are replaced, alone and with what follows them, and such as are not."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.norm = nn.BatchNorm2d(32)
        self.plain = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.alone = nn.Conv2d(32, 48, 3, padding=1)
        self.down = nn.Conv2d(48, 32, 3, stride=2, padding=1)
        self.grouped = nn.Conv2d(32, 32, 3, padding=1, groups=2)
        self.wide = nn.Conv2d(32, 32, 3, padding=2, dilation=2)
        self.last = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.stem(images))
        features = torch.relu(features + self.norm(self.plain(features)))
        features = self.down(self.alone(features))
        features = self.wide(self.grouped(features))
        kept = features * 1.0
        added = torch.relu_(self.last(features).add_(kept))
        kept += self.last(kept)
        return torch.cat([added, kept, torch.add(self.last(added), kept, alpha=2.0)], 1).mean((2, 3))


def frozen(network: nn.Module, example: torch.Tensor) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        file = io.BytesIO()
        torch.jit.save(torch.jit.trace(network.eval(), example), file)
        file.seek(0)
        return torch.jit.freeze(torch.jit.load(file).eval())


@pytest.mark.parametrize(("wide", "replaced"), [(True, 5), (False, 6)])
def test_convolutions_are_replaced_with_what_follows_them(
    replacement: ModuleType, compile_c: Any, monkeypatch: pytest.MonkeyPatch, wide: bool, replaced: int
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": wide})
    torch.manual_seed(1)
    network, images = Mixed(), torch.randn(3, 3, 10, 14)
    network(torch.randn(8, 3, 10, 14))  # statistics for the norm
    module = frozen(network, images[:1])
    assert replacement.replace_convolutions(module, compile_c) == replaced
    kinds = [node.kind() for node in module.graph.nodes()]
    assert kinds.count(OPERATOR) == replaced
    assert kinds.count("aten::_convolution") == 9 - replaced
    with torch.inference_mode():
        for batch in (images, images[:1]):
            torch.testing.assert_close(module(batch), network(batch), rtol=1e-4, atol=1e-4)


def test_convolutions_with_large_weights_are_replaced_too(replacement: ModuleType, compile_c: Any) -> None:
    torch.manual_seed(1)
    network, images = nn.Conv2d(384, 320, 3, padding=1), torch.randn(2, 384, 7, 6)
    module = frozen(network, images[:1])
    assert replacement.replace_convolutions(module, compile_c) == 1
    assert [node.kind() for node in module.graph.nodes()].count(OPERATOR) == 1
    with torch.inference_mode():
        torch.testing.assert_close(module(images), network(images), rtol=1e-4, atol=1e-4)


def test_a_network_without_such_convolutions_needs_no_compiler(replacement: ModuleType) -> None:
    module = frozen(nn.Conv2d(3, 8, 3, padding=1), torch.randn(1, 3, 8, 8))
    assert replacement.replace_convolutions(module, lambda *_: pytest.fail("compiled")) == 0


class Changing(nn.Module):
    """What is convolved changes before it is added."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        kept = images * 2
        result = self.last(kept)
        kept[:, :16] = 0
        return torch.relu(result + kept)


class Adding(nn.Module):
    """Sums that are none of two tensors to a new one, or not of floats."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        counted = torch.relu(self.last(images) + (images > 0).to(torch.uint8))
        return counted + torch.add(self.last(counted), 3)


@pytest.mark.parametrize("network", [Changing, Adding])
def test_sums_of_all_kinds_stay_what_they_are(
    replacement: ModuleType, compile_c: Any, network: type[nn.Module]
) -> None:
    torch.manual_seed(1)
    given, images = network(), torch.randn(2, 32, 6, 7)
    module = frozen(given, images)
    replacement.replace_convolutions(module, compile_c)
    with torch.inference_mode():
        torch.testing.assert_close(module(images), given(images), rtol=1e-4, atol=1e-4)


class Moving(nn.Module):
    """A convolution whose border is known when it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(32, 32, 3, 3) / 17), nn.Parameter(torch.randn(32))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        edge = images.size(2) // 8
        return torch._convolution(
            *(images, self.weight, self.bias, [1, 1], [edge, edge], [1, 1], False, [0, 0], 1),
            *(False, False, True, True),
        )


def test_a_convolution_that_is_not_known_beforehand_is_left(replacement: ModuleType) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        module = torch.jit.freeze(torch.jit.script(Moving().eval()))
    assert replacement.replace_convolutions(module, lambda *_: pytest.fail("compiled")) == 0


def test_the_fused_graph_lays_images_out_as_the_kernels_take_them(replacement: ModuleType, compile_c: Any) -> None:
    network, images = Residual().to(memory_format=torch.channels_last), torch.randn(2, 3, 12, 12)
    fused = torch.jit.onednn_fusion_enabled()
    torch.jit.enable_onednn_fusion(True)
    try:
        module = frozen(network, images)
        replaced = replacement.replace_convolutions(module, compile_c)
        with torch.inference_mode():
            for _ in range(4):
                module(images)
            with torch.profiler.profile() as profile:
                module(images)
    finally:
        torch.jit.enable_onednn_fusion(fused)
    ran = [event.name for event in profile.events()]
    assert [name for name in ran if name.startswith("LlgaPartition")]
    assert ran.count(OPERATOR) == replaced
    assert "aten::clone" not in ran
