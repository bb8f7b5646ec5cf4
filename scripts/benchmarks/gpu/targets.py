"""The project's targets for an H200-class GPU, and whether a measurement meets them."""

from typing import Any

DIRECT_PRETRAINED = 10_000
GATEWAY_PRETRAINED = 5000
TIMES_THE_BASELINE = 20


def best(rows: list[dict[str, Any]] | None) -> float | None:
    """Return the highest rate of a table without failures; None where there is no such row."""
    rates = [row["images_per_second"] for row in rows or () if "failures" not in row]
    return max(rates, default=None)


def judge(result: dict[str, Any]) -> dict[str, Any]:
    """Return each target with what was measured and whether it is met; None says that it was not measured."""
    direct = best(result["direct"].get("pretrained"))
    through = best((result["gateway"] or {}).get("pretrained"))
    baseline = best((result["baseline"] or {}).get("pretrained"))
    times = round(direct / baseline, 2) if direct and baseline else None
    measured = {
        "direct_pretrained": (direct, DIRECT_PRETRAINED),
        "gateway_pretrained": (through, GATEWAY_PRETRAINED),
        "direct_against_baseline": (times, TIMES_THE_BASELINE),
    }
    return {
        name: {"target": target, "measured": value, "met": None if value is None else value >= target}
        for name, (value, target) in measured.items()
    }
