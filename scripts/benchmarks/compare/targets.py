"""The project's targets on a CPU, as ratios of one run, and whether they are met."""

from collections.abc import Mapping
from typing import Any

from scripts.benchmarks.load.rows import Row

#: Rows by model, by server, by concurrency.
Results = Mapping[str, Mapping[str, Mapping[int, Row]]]
#: What is measured about a row: a rate or a latency.
RATE, P50, P99 = "images_per_second", "p50_ms", "p99_ms"

_AT, _LARGE_AT = 16, 8
#: Against the eager baseline, where the CPU multiplies bfloat16.
_OF_EAGER = {"raw": 4.0, "pretrained": 6.0}
_OF_BEST_TUNED, _OF_DIRECT, _P99_OF_EAGER = 1.0, 0.85, 0.5
_LARGE_OF_EAGER, _LARGE_P50_OF_EAGER = 6.0, 0.4
_NOT_TUNED = ("service", "direct", "eager")


def judge(results: Results, large: Results, *, bfloat16: bool) -> list[dict[str, Any]]:
    """Return every target that this run can judge: the model, a sentence, the bound, the ratio, whether it is met.

    Args:
        results: the medians of the rounds.
        large: likewise with photos of 12 megapixels.
        bfloat16: whether the CPU multiplies it; without it there is no target for throughput of eager.
    """
    found: list[dict[str, Any]] = []

    def add(
        model: str, what: str, ratio: float | None, *, least: float | None = None, most: float | None = None
    ) -> None:
        if ratio is not None:
            met = ratio >= least if least is not None else ratio <= (most or 0)
            bound = f"at least {least}" if least is not None else f"at most {most}"
            found.append({"model": model, "what": what, "target": bound, "ratio": round(ratio, 2), "met": met})

    for model, servers in results.items():
        ours, eager = (_figure(servers, name, _AT, RATE) for name in ("service", "eager"))
        if bfloat16:
            add(model, f"throughput of the eager baseline at {_AT}", _ratio(ours, eager), least=_OF_EAGER[model])
        tuned = [_figure(servers, name, _AT, RATE) or 0 for name in servers if name not in _NOT_TUNED]
        best = max(tuned, default=None)
        add(model, f"throughput of the best tuned baseline at {_AT}", _ratio(ours, best), least=_OF_BEST_TUNED)
        direct = _figure(servers, "direct", _AT, RATE)
        add(model, f"throughput of Triton without the gateway at {_AT}", _ratio(ours, direct), least=_OF_DIRECT)
        latencies = [_figure(servers, name, _AT, P99) for name in ("service", "eager")]
        add(model, f"p99 of the eager baseline at {_AT}", _ratio(*latencies), most=_P99_OF_EAGER)
    for model, servers in large.items():
        rates = [_figure(servers, name, _LARGE_AT, RATE) for name in ("service", "eager")]
        what = f"12 megapixels, throughput of the eager baseline at {_LARGE_AT}"
        add(model, what, _ratio(*rates), least=_LARGE_OF_EAGER)
        latencies = [_figure(servers, name, 1, P50) for name in ("service", "eager")]
        add(model, "12 megapixels, p50 of the eager baseline at 1", _ratio(*latencies), most=_LARGE_P50_OF_EAGER)
    return found


def _figure(servers: Mapping[str, Mapping[int, Row]], server: str, concurrency: int, name: str) -> float | None:
    row = servers.get(server, {}).get(concurrency)
    return None if row is None else getattr(row, name)


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
