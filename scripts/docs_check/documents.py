"""The documents, and their lines outside code blocks."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<marks>```+|~~~+)(?P<language>[\w+-]*)")


def documents(root: Path = ROOT) -> list[Path]:
    """Return every Markdown file that git knows."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(root / name for name in names if name and (root / name).exists())


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line outside fenced and indented code."""
    marks: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        fence = FENCE.match(line)
        if marks:
            marks = None if fence and fence["marks"] == marks else marks
        elif fence:
            marks = fence["marks"]
        elif not line.startswith("    "):
            yield number, line
