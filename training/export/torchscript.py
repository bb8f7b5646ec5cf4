"""From released weights to the model repository: TorchScript files, and the configurations and labels that fit them."""

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from training.atomic_write import write_atomically
from training.dataset.classes import MODEL_REPOSITORY
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification, load_specification
from training.evaluate.card import WEIGHTS
from training.evaluate.released import load_released
from training.export.fingerprint import FINGERPRINT_FILE, Precision, outdated
from training.models.calibrated import CalibratedNetwork
from training.models.model_types import NETWORK_MODELS
from training.models.served import ServedNetwork

#: Largest difference of probabilities that an export may show against the eager network, by its precision.
TOLERANCES: dict[Precision, float] = {"single": 1e-4, "half": 5e-3}


class HalfPrecision(nn.Module):
    """A network that computes in FP16 between its pixels and FP32 outputs; for GPUs, whatever backend runs it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).half()

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map UINT8 [N, 3, S, S] to the network's outputs in FP32."""
        return tuple(output.float() for output in self.network(pixels))


@contextmanager
def torchscript_warnings_ignored() -> Iterator[None]:
    """Silence the one message by which every torch.jit call announces that TorchScript is in maintenance."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\..* is (deprecated|not supported)", category=Warning)
        yield


def export_network(
    served: CalibratedNetwork,
    path: Path,
    *,
    specification: Specification,
    fingerprint: str,
    precision: Precision = "single",
) -> None:
    """Trace ``served`` and write it to ``path`` once it has proven itself against the eager network.

    Its second output are the maps of ``training.models.served``. The module is saved unfrozen, in eval mode and
    channels-last: whoever loads it freezes it for its own device.

    Args:
        served: the network with its temperature.
        path: the file to write.
        specification: the size of its photos, and how they are normalised.
        fingerprint: what it is made from, for ``training.export.fingerprint``.
        precision: what it is to compute in.

    Raises:
        ValueError: the traced module answers otherwise than the eager one.
    """
    generator = torch.Generator().manual_seed(0)
    size = (3, 3, specification.size, specification.size)
    pixels = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
    with torch.inference_mode(), torchscript_warnings_ignored():
        explained: nn.Module = ServedNetwork(served.network, served.temperature, specification).eval()
        if precision == "half":
            explained = HalfPrecision(explained)
        # A trace keeps how convolutions were allowed to compute: in single precision, on a GPU too.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            traced = torch.jit.trace(explained, pixels[:1])  # type: ignore[no-untyped-call]
        difference = float((traced(pixels)[0] - served(normalise(pixels, specification))).abs().max())
        allowed = TOLERANCES[precision]
        if not difference <= allowed:
            raise ValueError(f"the TorchScript export differs from the network by {difference:.2g}, over {allowed}")
        write_atomically(
            path, lambda temporary: torch.jit.save(traced, str(temporary), _extra_files={FINGERPRINT_FILE: fingerprint})
        )


def ensure_exported(
    model_repository: Path = MODEL_REPOSITORY,
    weights_folder: Path = WEIGHTS,
    networks: Mapping[str, str] = NETWORK_MODELS,
    *,
    precision: Precision = "single",
) -> list[Path]:
    """Export every network whose file is missing or was made from other weights or in another precision.

    Returns:
        The files that were written.

    Raises:
        FileNotFoundError: released weights or their card are missing.
        ValueError: weights, card, class file and specification do not fit one another.
    """
    written = []
    specification = load_specification(model_repository)
    for export in outdated(model_repository, weights_folder, networks, precision=precision):
        served, _ = load_released(export.model_type, weights_folder)
        export_network(
            served,
            export.path,
            specification=specification,
            fingerprint=export.fingerprint,
            precision=precision,
        )
        written.append(export.path)
    return written
