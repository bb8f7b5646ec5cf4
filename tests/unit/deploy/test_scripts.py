"""shellcheck reads every shell script of the project."""

import subprocess

import pytest

from tests.unit.deploy.rendering import ROOT
from tests.unit.deploy.tools import require

SCRIPTS = sorted(
    path
    for folder in (".ci", "requirements", "scripts")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and (path.suffix == ".sh" or path.read_bytes()[:64].startswith(b"#!/usr/bin/env bash"))
)


def test_the_scripts_are_found() -> None:
    assert {"lib.sh", "4-deploy.sh", "triton-gpu.sh"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_shellcheck_is_content(script: object) -> None:
    command = [require("shellcheck"), str(script)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
