"""From shipped weights to the model repository: TorchScript files, and the configurations and labels that fit them."""

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from training.cards import WEIGHTS, ModelCard, read_card, weights_path
from training.checkpoints import load_weights
from training.classes import MODEL_REPOSITORY
from training.explain import ExplainedNetwork
from training.files import write_atomically
from training.model_types import NETWORK_MODELS
from training.networks import build_network
from training.stamps import STAMP_FILE, outdated

#: Largest difference of probabilities that an export may show against the eager network, also in half precision.
TOLERANCE, HALF_TOLERANCE = 1e-4, 5e-3


class ServedNetwork(nn.Module):
    """What Triton runs: logits divided by the calibrated temperature (Guo et al., 2017), then softmax."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map the normalised tensor FP32 [N, 3, S, S] to probabilities FP32 [N, classes]."""
        return torch.softmax(self.network(images) / self.temperature, dim=1)


class HalfPrecision(nn.Module):
    """A network that computes in FP16 between an FP32 input and FP32 outputs; for GPUs, whatever backend runs it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).half()

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map FP32 [N, 3, S, S] to the network's outputs in FP32."""
        return tuple(output.float() for output in self.network(images.half()))


@contextmanager
def torchscript_warnings_ignored() -> Iterator[None]:
    """Silence the one message by which every torch.jit call announces that TorchScript is in maintenance."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\..* is (deprecated|not supported)", category=Warning)
        yield


def load_served_network(model_type: str, weights_folder: Path = WEIGHTS) -> tuple[ServedNetwork, ModelCard]:
    """Return the eager network of the shipped weights, in eval mode and channels-last, and its card."""
    card = read_card(model_type, weights_folder)
    network = build_network(model_type, len(card.classes))
    load_weights(network, weights_path(model_type, weights_folder))
    served = ServedNetwork(network, card.calibration.temperature).eval()
    return served.to(memory_format=torch.channels_last), card  # type: ignore[call-overload]


def export_network(served: ServedNetwork, path: Path, *, size: int, stamp: str, half: bool = False) -> None:
    """Trace ``served`` and write it to ``path`` once it has proven itself against the eager network.

    Its second output are the maps of ``training.explain``. The module is saved unfrozen, in eval mode and
    channels-last: whoever loads it freezes it for its own device.

    Raises:
        ValueError: the traced module answers otherwise than the eager one.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(3, 3, size, size, generator=generator).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torchscript_warnings_ignored():
        explained = ExplainedNetwork(served.network, served.temperature).eval()
        traced = torch.jit.trace(HalfPrecision(explained) if half else explained, images[:1])  # type: ignore[no-untyped-call]
        difference = float((traced(images)[0] - served(images)).abs().max())
        allowed = HALF_TOLERANCE if half else TOLERANCE
        if not difference <= allowed:
            raise ValueError(f"the TorchScript export differs from the network by {difference:.2g}, over {allowed}")
        write_atomically(
            path, lambda temporary: torch.jit.save(traced, str(temporary), _extra_files={STAMP_FILE: stamp})
        )


def ensure_exported(
    model_repository: Path = MODEL_REPOSITORY,
    weights_folder: Path = WEIGHTS,
    networks: Mapping[str, str] = NETWORK_MODELS,
    *,
    half: bool = False,
) -> list[Path]:
    """Export every network whose ``model.pt`` is missing or was made from other weights or in another precision.

    Returns:
        The files that were written.

    Raises:
        FileNotFoundError: shipped weights or their card are missing.
        ValueError: weights, card, class file and specification do not fit one another.
    """
    written = []
    for export in outdated(model_repository, weights_folder, networks, half=half):
        served, _ = load_served_network(export.model_type, weights_folder)
        export_network(served, export.path, size=export.size, stamp=export.stamp, half=export.half)
        written.append(export.path)
    return written
