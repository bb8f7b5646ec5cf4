"""What a network that saw ImageNet makes of each view, to be predicted by the one that is trained.

A linear layer on the pooled features predicts the teacher's; the loss is one minus the cosine of the two (FitNets'
hints, Romero et al., 2015, https://arxiv.org/abs/1412.6550, at the last layer).
"""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.models.efficientnet_lite import feature_extractor
from training.train.recipes import Features

_BATCH = 32


class FeatureLearner(nn.Module):
    """FP32 [N, 3, H, W] to logits [N, classes] and predicted features of the teacher, [N, D]."""

    def __init__(self, network: nn.Module, teacher_size: int) -> None:
        super().__init__()
        self.network = network
        self.predict = nn.Linear(cast(nn.Linear, network.fc).in_features, teacher_size)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and predicted features."""
        network = cast(Any, self.network)
        pooled = network.features(images).mean(dim=(2, 3))
        return network.fc(pooled), self.predict(pooled)


def feature_loss(predicted: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return one minus the mean cosine of [N, D] and [N, D]."""
    return (1 - functional.cosine_similarity(predicted.float(), wanted.float())).mean()


def teacher_features(views: np.ndarray, settings: Features, folder: Path) -> torch.Tensor:
    """Return the teacher's features of UINT8 views [N, V, 3, S, S], less the mean of the first views: FP16 [N, V, D].

    They are kept in ``folder`` beside the views, and used again as long as those stay the same.
    """
    file, stamp_file = folder / "features.npy", folder / "features.json"
    made_from = json.loads((folder / "views.json").read_text(encoding="utf-8"))
    stamp = settings.model_dump(mode="json", exclude={"weight"}) | {"views": made_from}
    if not (file.exists() and stamp_file.exists() and json.loads(stamp_file.read_text(encoding="utf-8")) == stamp):
        stamp_file.unlink(missing_ok=True)
        extract = feature_extractor(settings.efficientnet_lite, size=settings.size, input_size=views.shape[-1])
        flat = views.reshape(-1, *views.shape[2:])
        chunks = [extract(flat[first : first + _BATCH]) for first in range(0, len(flat), _BATCH)]
        features = np.concatenate(chunks).reshape(*views.shape[:2], -1)
        np.save(file, (features - features[:, 0].mean(axis=0)).astype(np.float16))
        stamp_file.write_text(json.dumps(stamp), encoding="utf-8")
    return torch.from_numpy(np.load(file))
