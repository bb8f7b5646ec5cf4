"""Runs the command blocks of a document against a service that is up."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.docs_check.documents import FENCE, ROOT

_SKIP = "<!-- docs-check: skip: "
_RUNNABLE = frozenset({"sh", "python", "js"})
_SECONDS = 300
#: Programs that a block may need and that are not part of every machine.
_PROGRAMS = ("perf_analyzer", "docker", "kubectl", "kind", "gcloud", "jq")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of commands; `skip` says why it cannot run by itself, where its author says so."""

    document: Path
    line: int
    language: str
    code: str
    skip: str | None

    @property
    def place(self) -> str:
        """Document and line, for people."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is that the blocks ask; the documents say ``localhost:8080`` and ``localhost:8001``."""

    gateway: str
    triton: str

    def put_into(self, code: str) -> str:
        """Return the code with the addresses of this service."""
        return code.replace("localhost:8080", self.gateway).replace("localhost:8001", self.triton)


def blocks_of(document: Path) -> Iterator[Block]:
    """Yield the fenced blocks of shell, Python and JavaScript.

    A comment ``<!-- docs-check: skip: reason -->`` on the line before the fence keeps one from being run.
    """
    lines = document.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        end = next(index for index in range(number + 1, len(lines)) if lines[index].startswith(fence["marks"]))
        if fence["language"] in _RUNNABLE:
            before = lines[number - 1] if number else ""
            skip = before.removeprefix(_SKIP).removesuffix(" -->") if before.startswith(_SKIP) else None
            yield Block(document, number + 1, fence["language"], "\n".join(lines[number + 1 : end]) + "\n", skip)
        number = end + 1


def missing_program(block: Block) -> str | None:
    """Name a program that the block needs and this machine lacks."""
    if block.language == "js" and node() is None:
        return "node"
    words = block.code.split()
    return next((name for name in _PROGRAMS if name in words and shutil.which(name) is None), None)


def node() -> str | None:
    """Find Node: the machine's, or the one that Playwright brings along."""
    found = shutil.which("node")
    if found is None:
        bundled = next(Path(sys.prefix).glob("lib/python3*/site-packages/playwright/driver/node"), None)
        found = str(bundled) if bundled else None
    return found


def run(block: Block, service: Service) -> subprocess.CompletedProcess[str]:
    """Run a block in the root of the repository, and return what came of it."""
    code = service.put_into(block.code)
    commands = {
        "sh": ["bash", "-euo", "pipefail", "-s"],
        "python": [sys.executable, "-"],
        "js": [node() or "node", "--input-type=module", "-"],
    }
    # The documents' .venv is the environment that checks them, wherever that lies.
    code = code.replace(".venv/bin/", f"{Path(sys.executable).parent}/") if block.language == "sh" else code
    return subprocess.run(
        commands[block.language],
        input=code,
        cwd=ROOT,
        env=os.environ | {"BIN_IT_RIGHT_SERVER": f"http://{service.gateway}"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
