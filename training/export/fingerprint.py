"""Which exports are missing or old: told by the fingerprint in each file, without importing torch."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.specification import load_specification
from training.evaluate.card import WEIGHTS, ModelCard, read_card
from training.models.model_types import NETWORK_MODELS

FINGERPRINT_FILE = "source.json"
#: What an export computes in: FP32 or FP16.
Precision = Literal["single", "half"]
_FILE = "model.pt"
_TENSORS = ("UINT8 pixels", "FP32 probabilities", "FP32 activation maps")


@dataclass(frozen=True)
class Export:
    """An export that is due: of which model type, where to, in which precision, its fingerprint."""

    model_type: str
    path: Path
    precision: Precision
    fingerprint: str


def outdated(
    model_repository: Path = MODEL_REPOSITORY,
    weights_folder: Path = WEIGHTS,
    networks: Mapping[str, str] = NETWORK_MODELS,
    *,
    precision: Precision = "single",
) -> list[Export]:
    """Return the exports whose file is missing or was made from something else, or in another precision.

    Raises:
        FileNotFoundError: released weights or their card are missing.
        ValueError: weights, card, class file and specification do not fit one another.
    """
    specification = load_specification(model_repository)
    classes = read_classes(model_repository)
    due = []
    for model_type, triton_model in networks.items():
        card = read_card(model_type, weights_folder)
        if card.classes != classes:
            raise ValueError(f"the weights of {model_type} know {list(card.classes)}; labels.txt says {list(classes)}")
        if card.preprocessing != json.loads(json.dumps(asdict(specification))):
            raise ValueError(f"the weights of {model_type} were trained for another preprocessing than spec.json")
        path = model_repository / triton_model / "1" / _FILE
        fingerprint = make_fingerprint(card, precision)
        if read_fingerprint(path) != fingerprint:
            due.append(Export(model_type, path, precision, fingerprint))
    return due


def make_fingerprint(card: ModelCard, precision: Precision = "single") -> str:
    """Return, as JSON, everything that an export depends on."""
    source: dict[str, Any] = {"weights": card.weights_sha256, "preprocessing": card.preprocessing}
    source |= {"calibration": card.calibration.model_dump()}
    source |= {"precision": precision} if precision != "single" else {}
    source |= {"tensors": _TENSORS, "allow_tf32": False}
    return json.dumps({**source, "torch": version("torch").split("+")[0]}, sort_keys=True)


def read_fingerprint(path: Path) -> str | None:
    """Return the fingerprint of an export; None where there is no whole export."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.namelist() if name.endswith(f"/extra/{FINGERPRINT_FILE}")), None)
            return archive.read(name).decode() if name else None
    except (OSError, zipfile.BadZipFile):
        return None
