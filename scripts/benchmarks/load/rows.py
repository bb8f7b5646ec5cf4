"""What one measurement gives, and what becomes of several."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """One server, one model, one concurrency: images/s, milliseconds, and requests without a good answer."""

    images_per_second: float
    p50_ms: float
    p99_ms: float
    failures: int = 0


def middle(rows: Sequence[Row]) -> Row:
    """Return the median of each figure, and the failures of all rounds together."""
    return Row(
        images_per_second=round(median(row.images_per_second for row in rows), 1),
        p50_ms=round(median(row.p50_ms for row in rows), 2),
        p99_ms=round(median(row.p99_ms for row in rows), 2),
        failures=sum(row.failures for row in rows),
    )


def as_document(row: Row, rounds: Sequence[Row]) -> dict[str, Any]:
    """Return a row with the rate of every round."""
    return {**asdict(row), "rounds": [round(each.images_per_second, 1) for each in rounds]}
