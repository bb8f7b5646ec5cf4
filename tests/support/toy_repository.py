"""A model repository that starts quickly: the committed configurations with two tiny networks of 64 pixels.

For tests that kill, restart or start servers in odd places, and ask for an answer, not for a right one.
"""

import json
import re
import shutil
import warnings
from pathlib import Path
from typing import cast

import torch

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ("raw_cnn", "resnet50")
SIZE, CLASSES = 64, 6


class ToyNetwork(torch.nn.Module):
    """One convolution, with the inputs and outputs of the exported networks: pixels to probabilities and maps."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, CLASSES, 8, stride=8)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return FP32 [N, classes] and [N, classes, H, W] of UINT8 [N, 3, H, W]."""
        maps = self.convolution(pixels.float() / 255)
        return torch.softmax(maps.mean((2, 3)), 1), maps


def write_toy_repository(folder: Path) -> Path:
    """Write the repository to a folder that does not exist yet, and return the folder."""
    shutil.copytree(ROOT / "model_repository", folder, ignore=shutil.ignore_patterns("*.pt"))
    specification = folder / "preprocess" / "1" / "spec.json"
    size = json.loads(specification.read_text())["size"]
    for file in (specification, *folder.glob("*/config.pbtxt"), *folder.glob("*/configs/*.pbtxt")):
        file.write_text(re.sub(rf"\b{size}\b", str(SIZE), file.read_text()))
    torch.manual_seed(0)
    for name in NETWORKS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript says that it is in maintenance
            traced = cast(
                torch.jit.ScriptModule,
                torch.jit.trace(ToyNetwork().eval(), torch.zeros(2, 3, SIZE, SIZE, dtype=torch.uint8)),  # type: ignore[no-untyped-call]
            )
            torch.jit.save(traced, folder / name / "1" / "model.pt")
    return folder
