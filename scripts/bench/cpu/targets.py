"""The project's targets on a processor, as ratios of one run, and whether they are met."""

from collections.abc import Mapping
from typing import Any

from scripts.bench.cpu.rows import Row

#: Rows by model, by server, by requests in flight.
Results = Mapping[str, Mapping[str, Mapping[int, Row]]]

_AT = 16
_FASTER_THAN_ANCESTOR = {"raw": 2.0, "pretrained": 1.5}
_FASTER_THAN_BEST = {"raw": 1.2, "pretrained": 1.0}
_P99_OF_ANCESTOR = 0.6
_OF_DIRECT = 0.9
_OF_LIMIT = 0.85
_TUNED = ("tuned", "litserve", "onnx")


def judge(results: Results, limits: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return every target that this run can judge: the model, a sentence, the bound, the ratio, whether it is met.

    Args:
        results: the medians of the rounds.
        limits: photos a second of the network alone, by model.
    """
    found: list[dict[str, Any]] = []

    def add(model: str, what: str, ratio: float | None, least: float | None = None, most: float | None = None) -> None:
        if ratio is not None:
            met = ratio >= least if least is not None else ratio <= (most or 0)
            bound = f"at least {least}" if least is not None else f"at most {most}"
            found.append({"model": model, "what": what, "target": bound, "ratio": round(ratio, 2), "met": met})

    for model, servers in results.items():

        def rate(server: str, servers: Mapping[str, Mapping[int, Row]] = servers) -> float | None:
            row = servers.get(server, {}).get(_AT)
            return row.photos_per_second if row is not None else None

        ours = rate("service")
        add(
            model, "throughput against the ancestor's way", _ratio(ours, rate("ancestor")), _FASTER_THAN_ANCESTOR[model]
        )
        tuned = [value for value in map(rate, _TUNED) if value is not None]
        best = max(tuned, default=None)
        add(model, "throughput against the best tuned peer", _ratio(ours, best), _FASTER_THAN_BEST[model])
        add(model, "throughput against Triton without the gateway", _ratio(ours, rate("direct")), _OF_DIRECT)
        for in_flight, name, most in ((_AT, "p99_ms", _P99_OF_ANCESTOR), (1, "p50_ms", 1.0)):
            rows = [servers.get(server, {}).get(in_flight) for server in ("service", "ancestor")]
            values = [getattr(row, name) if row is not None else None for row in rows]
            what = f"{name.partition('_')[0]} at {in_flight} in flight against the ancestor's way"
            add(model, what, _ratio(*values), most=most)
        if model == "pretrained":
            add(model, "throughput against the network alone", _ratio(ours, limits.get(model)), _OF_LIMIT)
    return found


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
