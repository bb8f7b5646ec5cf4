"""The command line as a whole: its help, its weight, and the commands that other programs carry out."""

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.cli.main import app
from tests.unit.scripts.cli.fakes import FakeGateway, refusing, sure

COMMANDS = (
    *("classify", "explain", "models", "predict", "serve", "export", "doctor"),
    *("data", "eda", "train", "evaluate", "promote"),
)
HEAVY = ("torch", "gateway", "training", "embedded_triton", "tritonclient", "numpy")


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f" {name} " in result.stdout


def test_help_of_classify_teaches() -> None:
    text = CliRunner().invoke(app, ["classify", "--help"]).stdout
    for part in ("bin-it-right classify photos/", "Exit status", "--resume", "BIN_IT_RIGHT_API_KEY"):
        assert part in text


def test_no_command_is_wrong_usage_and_shows_the_help() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "classify" in result.output


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys; import scripts.cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("bin-it-right cl", "classify"),
        ("bin-it-right classify --res", "--resume"),
        ("bin-it-right data sp", "split"),
        ("bin-it-right train --recipe pretrained_pl", "pretrained_places"),
        ("bin-it-right promote pre", "pretrained"),
    ],
)
def test_shells_complete_commands_and_options(words: str, completed: str) -> None:
    asked = {"_BIN_IT_RIGHT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [sys.executable, "-m", "scripts.cli.main"]
    result = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=False)
    assert completed in result.stdout.split(), result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_the_same_style(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert f"Usage: bin-it-right {command}" in result.stdout.replace("root", "bin-it-right")
    assert "usage:" not in result.stdout
    assert "--help" in result.stdout


def test_the_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"bin-it-right {version('bin-it-right')}\n"


def test_python_m_training_is_the_same_program() -> None:
    command = [sys.executable, "-m", "training", "train", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage: bin-it-right train" in done.stdout


def test_ctrl_c_keeps_whole_answers(tmp_path: Path, url: str, gateway: FakeGateway) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").write_bytes(b"b")
    gateway.answer = lambda content: sure(content) if content == b"a" else refusing(503, {"Retry-After": "60"})(content)
    words = ["classify", str(tmp_path), "--server", url, "--concurrency", "1", "--patience", "1000"]
    # A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
    interruptible = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{interruptible}; from scripts.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[4],
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert first.endswith("\n")
    assert rest == ""
    assert "Traceback" not in said
