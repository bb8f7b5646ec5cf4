"""Released weights with their calibration, as a network that runs in PyTorch."""

from pathlib import Path

import torch

from training.evaluate.card import WEIGHTS, ModelCard, read_card, weights_path
from training.models.build import build_network
from training.models.calibrated import CalibratedNetwork
from training.train.checkpoints import load_weights


def load_released(model_type: str, weights_folder: Path = WEIGHTS) -> tuple[CalibratedNetwork, ModelCard]:
    """Return the eager network of released weights, in eval mode and channels-last, and its card."""
    card = read_card(model_type, weights_folder)
    network = build_network(model_type, len(card.classes))
    load_weights(network, weights_path(model_type, weights_folder))
    served = CalibratedNetwork(network, card.calibration.temperature).eval()
    return served.to(memory_format=torch.channels_last), card  # type: ignore[call-overload]
