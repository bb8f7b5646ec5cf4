"""Where weights came from, told without the paths of a machine."""

import json
from pathlib import Path

import pytest

from training.dataset.classes import REPOSITORY_ROOT
from training.evaluate.provenance import hardware, portable_command, portable_path, training_record


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("data/processed/trashnet", "data/processed/trashnet"),
        ("raw", "raw"),
        ("--resume", "--resume"),
        ("https://example.org/a/data/x.zip", "https://example.org/a/data/x.zip"),
        (f"{REPOSITORY_ROOT}/data/processed/web/train.parquet", "data/processed/web/train.parquet"),
        ("/somewhere/data/web/train.parquet", "data/processed/web/train.parquet"),
        ("/data/mine/data/trashnet", "data/processed/trashnet"),
        ("../elsewhere/data/trashnet", "data/processed/trashnet"),
        ("/somewhere/runs/general/best.safetensors", "runs/general/best.safetensors"),
        ("/home/someone/photos", "photos"),
        ("/home/someone/data", "data"),
    ],
)
def test_a_path_is_told_as_it_would_be_inside_the_project(path: str, told: str) -> None:
    assert portable_path(path) == told


def test_a_command_keeps_its_words() -> None:
    command = (
        "python -m training train /a/data/trashnet /b/runs/x --extra=/a/data/web/train.parquet name=/a/data/y '/q r/z'"
    )
    assert portable_command(command) == (
        "python -m training train data/processed/trashnet runs/x --extra=data/processed/web/train.parquet "
        "name=data/processed/y z"
    )


def test_the_record_of_a_run_has_its_command_epochs_and_seconds(tmp_path: Path) -> None:
    facts = {
        "command": "python -m training train /a/data/trashnet /b/runs/x",
        "initialisation": "/b/runs/general/best.safetensors",
        "model": "raw",
        "specification": {"size": 192},
    }
    (tmp_path / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "history.csv").write_text("epoch,seconds\n1,10.5\n2,9.6\n", encoding="utf-8")
    assert training_record(tmp_path) == {
        "command": "python -m training train data/processed/trashnet runs/x",
        "initialisation": "runs/general/best.safetensors",
        "model": "raw",
        "epochs": 2,
        "seconds": 20,
    }


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        training_record(tmp_path)


def test_the_hardware_has_a_name() -> None:
    assert len(hardware()) > 5
