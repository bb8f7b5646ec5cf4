"""The prediction that every baseline returns: the gateway's two keys."""

from collections.abc import Sequence
from typing import Any


def as_prediction(classes: Sequence[str], probabilities: Sequence[float]) -> dict[str, Any]:
    """Return the document of a prediction."""
    answer = dict(zip(classes, probabilities, strict=True))
    return {"pred_class": max(answer, key=answer.__getitem__), "classes": answer}
