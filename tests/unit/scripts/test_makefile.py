"""Names of targets and variables that users of the original project know."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ORIGINAL = (
    *("install-kernel", "api", "jupyter", "mypy", "black", "black-fix", "ruff", "lint"),
    *("train-cli", "predict-cli", "train", "predict"),
)


def _commands(*words: str) -> str:
    """Return what make would run, running nothing."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", ORIGINAL)
def test_every_target_of_the_original_project_is_there(target: str) -> None:
    assert _commands(target).strip()


def test_the_variables_of_the_original_project_reach_the_command_lines() -> None:
    words = ("dataset_path=photos", "model_path=here", "model=pretrained", "model_provider=pytorch")
    trained = _commands("train-cli", *words, "epochs=7")
    assert '"photos" "here" --model pretrained --provider pytorch --epochs 7' in " ".join(trained.split()).replace(
        "\\ ", ""
    )
    assert 'pretrained.safetensors "cup.jpg"' in _commands("predict-cli", *words, "image=cup.jpg")


def test_predict_without_an_image_is_no_folder() -> None:
    """An empty word was the current folder: every photo below it was classified."""
    command = _commands("predict-cli").splitlines()[-1].split()
    assert command[-2:] == ["predict", "training/weights/raw.safetensors"]


@pytest.mark.parametrize("provider", ["pytorch", "tensorflow"])
def test_the_provider_decides_the_environment_and_reaches_the_command_line(provider: str) -> None:
    for words in (("train-cli", f"model_provider={provider}"), ("train", f"provider={provider}")):
        commands = _commands(*words)
        assert f"--model raw --provider {provider}" in commands
        assert ("environment.py --venv .venv  tensorflow" in commands) is (provider == "tensorflow")


def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "data", "notebooks", *ORIGINAL):
        assert f"  make {target} " in done.stdout
