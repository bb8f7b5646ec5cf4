"""Weights that nobody trained, with a model card: enough for everything but right answers."""

from pathlib import Path

import torch

from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.specification import load_specification
from training.evaluate.card import Calibration, ModelCard, sha256, weights_path, write_card
from training.models.build import build_network
from training.train.checkpoints import save_weights


def write_random_weights(model_type: str, folder: Path, repository: Path = MODEL_REPOSITORY, seed: int = 0) -> Path:
    """Write random weights of a model type with a card beside them, and return their folder.

    Args:
        model_type: ``raw`` or ``pretrained``.
        folder: takes both files.
        repository: the model repository whose classes and preprocessing the card names.
        seed: decides the weights.
    """
    classes = read_classes(repository)
    torch.manual_seed(seed)
    network = build_network(model_type, len(classes))
    save_weights(network, weights_path(model_type, folder), half=True)
    card = ModelCard(
        model_type=model_type,
        classes=classes,
        weights_sha256=sha256(weights_path(model_type, folder)),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        preprocessing=vars(load_specification(repository)),
        date="2026-11-23",
        training={"initialisation": "random"},
        calibration=Calibration(temperature=1.5, confidence_threshold=0.4),
        metrics={},
    )
    write_card(card, folder)
    return folder
