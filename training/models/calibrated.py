"""The network whose probabilities are calibrated: what evaluation, prediction without a server and export share."""

import torch
from torch import nn


class CalibratedNetwork(nn.Module):
    """Logits of normalised photos divided by the calibrated temperature (Guo et al., 2017), then softmax."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map the normalised tensor FP32 [N, 3, S, S] to probabilities FP32 [N, classes]."""
        return torch.softmax(self.network(images) / self.temperature, dim=1)
