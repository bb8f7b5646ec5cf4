"""The tables that a person reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.benchmarks.compare.targets import Results

NAMES = {
    "service": "gateway and Triton",
    "direct": "Triton without the gateway",
    "eager": "FastAPI, eager network",
    "torchscript": "FastAPI, tuned TorchScript",
    "torchscript_bfloat16": "FastAPI, tuned TorchScript in bfloat16",
    "onnx": "FastAPI, ONNX Runtime",
    "openvino": "FastAPI, OpenVINO at its defaults",
    "openvino_tuned": "FastAPI, tuned OpenVINO",
    "litserve": "LitServe, tuned TorchScript",
}


def table(results: Results, upper_bounds: Mapping[str, float], what: str = "") -> str:
    """Return a table in Markdown: images/s, and in parentheses p50 and p99 in milliseconds.

    Args:
        results: the medians of the rounds.
        upper_bounds: images/s of the network without a server, by model.
        what: is said of the photos in the head of the table.
    """
    lines = []
    for model, servers in results.items():
        numbers = sorted({number for rows in servers.values() for number in rows})
        lines += ["", f"| {model}{what} | " + " | ".join(f"concurrency {number}" for number in numbers) + " |"]
        lines += ["|---" * (1 + len(numbers)) + "|"]
        for server, rows in servers.items():
            cells = []
            for number in numbers:
                row = rows.get(number)
                cell = f"{row.images_per_second:.1f} ({row.p50_ms:.0f}, {row.p99_ms:.0f})" if row else ""
                cells.append(cell + (f" **{row.failures} failed**" if row and row.failures else ""))
            lines.append(f"| {NAMES.get(server, server)} | " + " | ".join(cells) + " |")
        if model in upper_bounds:
            lines.append(f"| model-only upper bound | {upper_bounds[model]:.1f}" + " |" * len(numbers))
    return "\n".join(lines[1:])


def verdict(targets: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the targets."""
    lines = ["| model | service, as a ratio of | target | measured | |", "|---|---|---|---|---|"]
    for each in targets:
        met = "met" if each["met"] else "**missed**"
        lines.append(f"| {each['model']} | {each['what']} | {each['target']} | {each['ratio']:.2f} | {met} |")
    return "\n".join(lines)
