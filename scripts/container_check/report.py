"""What the check found, as Markdown for an issue."""

import re
from dataclasses import dataclass
from typing import Any

_TROUBLE = re.compile(r"^\S+ [WEF] .*", re.MULTILINE)
_MOST_LINES = 20


@dataclass(frozen=True)
class Step:
    """One line of the list: how it ended, how long it took, and the end of what it said."""

    name: str
    passed: bool
    seconds: float
    output: str


def render(facts: dict[str, str], steps: list[Step], bench: dict[str, Any] | None, log: str) -> str:
    """Return the report.

    Args:
        facts: what was checked, on what.
        steps: in their order.
        bench: the document of ``scripts.benchmarks.gpu``, where it ran.
        log: the server's own log; its warnings and errors are quoted.
    """
    parts = ["# NVIDIA's Triton container on this project's models", ""]
    parts += [f"- {name}: {value}" for name, value in facts.items()]
    parts += ["", "| check | result | seconds |", "|---|---|---|"]
    parts += [f"| {step.name} | {'passed' if step.passed else '**failed**'} | {step.seconds:.0f} |" for step in steps]
    if bench is not None:
        parts += ["", *_bench(bench)]
    trouble = _TROUBLE.findall(log)
    parts += ["", *_quoted(f"Warnings and errors of the server: {len(trouble)}", trouble[:_MOST_LINES])]
    for step in steps:
        parts += ["", *_quoted(f"The end of what “{step.name}” said", step.output.splitlines()[-_MOST_LINES:])]
    return "\n".join(parts) + "\n"


def _bench(bench: dict[str, Any]) -> list[str]:
    lines = ["| way | model | concurrency | images/s | p50 ms | p99 ms | failures |", "|---|---|---|---|---|---|---|"]
    for way in ("direct", "gateway", "baseline"):
        for model, rows in (bench.get(way) or {}).items():
            for row in rows:
                values = (row[name] for name in ("concurrency", "images_per_second", "p50_ms", "p99_ms"))
                cells = [way, model, *map(str, values), str(row.get("failures", ""))]
                lines.append(f"| {' | '.join(cells)} |")
    return lines


def _quoted(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return [f"{title}."]
    return ["<details>", f"<summary>{title}</summary>", "", "```", *lines, "```", "", "</details>"]
