"""`bin-it-right dev`: every command leads to its module, and no document names another door."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.cli.dev import COMMANDS
from scripts.cli.main import app

ROOT = Path(__file__).resolve().parents[4]
#: Data of before, whose commands were these; and what has to run before there is an environment.
EXCEPT = ("training/weights/", "requirements/")


def test_the_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["dev", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert all(f" {name} " in result.stdout for name in COMMANDS)


def test_the_group_is_for_developers() -> None:
    assert " dev " not in CliRunner().invoke(app, ["--help"]).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_module(name: str) -> None:
    module = COMMANDS[name][0]
    package = importlib.util.find_spec(module)
    assert package is not None
    if package.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{module}.__main__") is not None


def test_options_go_on_to_the_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test may have imported it, and Python warns of running it once more.
    monkeypatch.delitem(sys.modules, "scripts.benchmarks.load.perf_data", raising=False)
    with pytest.raises(SystemExit) as caught:
        app(["dev", "perf-data", "--help"], prog_name="bin-it-right")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: bin-it-right dev perf-data")


def test_no_document_names_another_door() -> None:
    named = subprocess.run(
        ["git", "ls-files", "*.md", "*.yaml", "*.ipynb", "Makefile", "compat.mk"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = [
        f"{name}: {line.strip()}"
        for name in named
        if not name.startswith(EXCEPT)
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if re.search(r"-m (scripts|training|data)\b", line)
    ]
    assert not found
