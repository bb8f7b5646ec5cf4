"""Photos from other places, asked of the server."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.evaluate_server.predictions import request_predictions
from training.dataset.entries import Entry
from training.evaluate.card import read_card
from training.evaluate.places import report_places
from training.evaluate.summary import describe_places


def measure_places(
    url: str, model_type: str, places: Mapping[str, Sequence[Entry]], held_out: Sequence[str]
) -> dict[str, Any]:
    """Ask about every photo of every place, print the report and return it.

    Raises:
        ValueError: a photo is refused, or weights and card do not fit.
        FileNotFoundError: the released weights are missing.
    """
    card = read_card(model_type)
    report = report_places(
        places,
        lambda entries: request_predictions(url, model_type, entries, card.classes),
        card.classes,
        threshold=card.calibration.confidence_threshold,
        held_out=held_out,
    )
    print(f"{model_type} at other places, through the gateway and Triton\n{describe_places(report)}")
    return report.model_dump(mode="json", exclude={"places": {"__all__": {"confusion"}}})
