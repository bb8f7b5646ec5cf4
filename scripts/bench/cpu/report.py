"""The table that a person reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.bench.cpu.targets import Results

NAMES = {
    "service": "gateway and Triton",
    "direct": "Triton without the gateway",
    "ancestor": "FastAPI, eager network",
    "tuned": "FastAPI, tuned TorchScript",
    "onnx": "FastAPI, ONNX Runtime",
    "litserve": "LitServe, tuned",
}


def table(results: Results, limits: Mapping[str, float]) -> str:
    """Return a table in Markdown: photos a second, and in parentheses p50 and p99 in milliseconds."""
    lines = []
    for model, servers in results.items():
        numbers = sorted({number for rows in servers.values() for number in rows})
        lines += ["", f"| {model} | " + " | ".join(f"{number} in flight" for number in numbers) + " |"]
        lines += ["|---" * (1 + len(numbers)) + "|"]
        for server, rows in servers.items():
            cells = []
            for number in numbers:
                row = rows.get(number)
                cell = f"{row.photos_per_second:.1f} ({row.p50_ms:.0f}, {row.p99_ms:.0f})" if row else ""
                cells.append(cell + (f" **{row.failures} failed**" if row and row.failures else ""))
            lines.append(f"| {NAMES.get(server, server)} | " + " | ".join(cells) + " |")
        if model in limits:
            lines.append(f"| the network alone | {limits[model]:.1f}" + " |" * len(numbers))
    return "\n".join(lines[1:])


def verdict(targets: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the targets."""
    lines = ["| model | ratio of | target | measured | met |", "|---|---|---|---|---|"]
    for each in targets:
        met = "yes" if each["met"] else "**no**"
        lines.append(f"| {each['model']} | {each['what']} | {each['target']} | {each['ratio']:.2f} | {met} |")
    return "\n".join(lines)
