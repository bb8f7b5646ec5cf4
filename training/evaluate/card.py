"""Model cards: what a file of weights is, where it came from and how good it is, as JSON beside it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from training.atomic_write import write_atomically
from training.evaluate.report_types import (
    DriftReference,
    OutOfDistributionReport,
    PlacesReport,
    PrecisionReport,
    SplitReport,
)

#: The share of images that may become wrong by lower precision.
_MOST_LOST = 0.002

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


class Calibration(BaseModel):
    """How logits become probabilities, and from which confidence on a prediction counts as sure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0, description="divides the logits; fitted on the validation split")
    confidence_threshold: float = Field(ge=0, le=1, description="under it the answer says that it is not sure")


class ModelCard(BaseModel):
    """The card of one model type. ``weights_sha256`` ties it to exactly one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_type: str
    classes: tuple[str, ...]
    weights_sha256: str
    parameters: int
    preprocessing: dict[str, Any]
    date: str
    training: dict[str, Any] = Field(description="data, split, initialisation, recipe, command, hardware, time")
    calibration: Calibration
    threshold_rule: str | None = Field(default=None, description="how the confidence threshold was chosen")
    metrics: dict[str, SplitReport] = Field(description="by split: val, test, web_heldout …")
    places: PlacesReport | None = Field(default=None, description="photos from other places")
    out_of_distribution: OutOfDistributionReport | None = None
    drift_reference: DriftReference | None = None
    bfloat16: dict[str, PrecisionReport] | None = Field(
        default=None, description="by split: in bfloat16 on a CPU; null where the weights were evaluated without one"
    )

    def allows_bfloat16(self) -> bool:
        """Say whether bfloat16 costs at most 0.2 points of accuracy, over the images of all splits together."""
        if not self.bfloat16:
            return True
        counts = {name: self.metrics[name].count for name in self.bfloat16}
        lost = sum(
            count * (self.metrics[name].metrics["accuracy"] - self.bfloat16[name].accuracy)
            for name, count in counts.items()
        )
        return lost <= _MOST_LOST * sum(counts.values())

    @model_validator(mode="before")
    @classmethod
    def _without_8_bits(cls, given: Any) -> Any:
        """Read cards that still have what computing in 8 bits needed."""
        return {key: value for key, value in given.items() if key != "int8"} if isinstance(given, dict) else given


def weights_path(model_type: str, folder: Path = WEIGHTS) -> Path:
    """Return where the released weights of a model type lie."""
    return folder / f"{model_type}.safetensors"


def card_path(model_type: str, folder: Path = WEIGHTS) -> Path:
    """Return where the card of the released weights lies."""
    return folder / f"{model_type}.json"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_card(model_type: str, folder: Path = WEIGHTS) -> ModelCard:
    """Read a card and check that it belongs to the weights beside it.

    Raises:
        FileNotFoundError: the card or the weights are missing.
        ValueError: the card is malformed or belongs to other weights.
    """
    path, weights = card_path(model_type, folder), weights_path(model_type, folder)
    for needed in (path, weights):
        if not needed.exists():
            raise FileNotFoundError(f"{needed} is missing: fetch it with git, or train it with `make train`")
    try:
        card = ModelCard.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as exc:
        raise ValueError(f"{path} is no model card: {exc}") from exc
    if card.weights_sha256 != sha256(weights):
        raise ValueError(f"{path} belongs to other weights than {weights}: fetch both from one commit")
    return card


def write_card(card: ModelCard, folder: Path = WEIGHTS) -> None:
    """Write a card beside its weights."""
    text = json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    write_atomically(card_path(card.model_type, folder), lambda path: path.write_text(text, encoding="utf-8"))
