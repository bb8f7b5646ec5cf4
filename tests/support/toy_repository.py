"""Model repositories that start quickly: images of 64 pixels, and tiny networks or one of one's own.

For tests that kill, restart or start servers in odd places, and ask for an answer, not for a right one.
"""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from tests.support.torchscript import write_traced

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
        write_traced(ToyNetwork(), torch.zeros(2, 3, SIZE, SIZE, dtype=torch.uint8), folder / name / "1" / "model.pt")
    return folder


def write_own_repository(folder: Path, classes: Sequence[str]) -> Path:
    """Write what a person with other classes writes by hand: a class file and a preprocessing of 64 pixels.

    ``bin-it-right export`` makes the rest.
    """
    for name in ("preprocess/1/dali.py", "preprocess/1/spec.json", "preprocess/warmup/drawing.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "model_repository" / name, folder / name)
    specification = folder / "preprocess" / "1" / "spec.json"
    specification.write_text(json.dumps(json.loads(specification.read_text()) | {"size": SIZE}))
    (folder / "labels.txt").write_text("\n".join(classes) + "\n")
    return folder
