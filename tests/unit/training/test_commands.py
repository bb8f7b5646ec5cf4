"""The command line: every subcommand from its words to its files, and sentences for what is wrong."""

import json
from pathlib import Path

import pytest
import torch

from tests.support.command_line import bin_it_right
from tests.support.pictures import bottle, encode
from tests.unit.training.conftest import WriteModel
from training.dataset.classes import read_classes
from training.evaluate.card import read_card

RECIPE = "batch_size = 8\nlearning_rate = 0.02\nmixed_precision = false\n[[stages]]\nepochs = 1\nsize = 32\n"


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_train_evaluate_promote_and_predict_follow_one_another(
    toy: Path, recipe_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["training", "train", str(toy), "runs/x", "--recipe", str(recipe_file)])
    assert bin_it_right("train", str(toy), "runs/x", "--recipe", str(recipe_file), "--seed", "3") == 0
    assert "done: 1 epochs" in capsys.readouterr().out
    assert json.loads(Path("runs/x/run.json").read_text(encoding="utf-8"))["recipe"]["seed"] == 3

    assert bin_it_right("evaluate", "runs/x", str(toy), "--describe", "hardware of the training=a laptop") == 0
    described = capsys.readouterr().out
    assert "raw: 2.59 million parameters" in described
    assert f"trained with PyTorch {torch.__version__}" in described
    card = read_card("raw", Path("build/evaluation/raw"))
    assert card.training["hardware of the training"] == "a laptop"
    assert card.training["epochs"] == 1
    assert str(tmp_path) not in card.model_dump_json()

    assert bin_it_right("promote", "raw", "--weights", "released") == 0
    assert card.weights_sha256 in capsys.readouterr().out

    Path("bottle.png").write_bytes(encode(bottle(), "PNG"))
    assert bin_it_right("predict", "released/raw.safetensors", "bottle.png", "bottle.png") == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == 2
    assert list(answers[0]["classes"]) == list(read_classes())
    assert answers[0]["pred_class"] == max(answers[0]["classes"], key=answers[0]["classes"].get)

    # Weights that have a card keep what it says of their training.
    assert bin_it_right("evaluate", "released/raw.safetensors", str(toy), "--output", "again") == 0
    again = read_card("raw", Path("again"))
    assert again.training["hardware of the training"] == "a laptop"
    assert again.calibration == card.calibration


def test_a_folder_of_weights_needs_the_model_type(
    write_model: WriteModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_model()
    photo = tmp_path / "bottle.png"
    photo.write_bytes(encode(bottle(), "PNG"))
    assert bin_it_right("predict", str(folder), str(photo)) == 1
    assert "say --model-type raw" in capsys.readouterr().err
    assert bin_it_right("predict", str(folder), str(photo), "--model-type", "raw") == 0
    assert bin_it_right("predict", str(folder / "raw.safetensors"), str(photo), "--model-type", "pretrained") == 1
    assert bin_it_right("predict", str(folder / "other.safetensors"), str(photo)) == 1


def test_eda_writes_its_page(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bin_it_right("eda", str(toy), "--output", str(tmp_path / "eda")) == 0
    assert "The brightest class is" in capsys.readouterr().out
    assert (tmp_path / "eda" / "index.html").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "nowhere", "runs/x"], "nowhere is neither a folder"),
        (["train", "nowhere", "runs/x", "--recipe", "nothing"], "no recipe"),
        (["evaluate", "nowhere/raw.safetensors", "nowhere"], "is missing"),
        (["promote", "raw", "--candidate", "nowhere"], "is missing"),
        (["eda", "nowhere"], "nowhere is neither a folder"),
    ],
)
def test_a_wrong_input_ends_with_a_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bin_it_right(*words) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert sentence in error
    assert "Traceback" not in error


def test_an_extra_split_without_a_name_is_refused(
    toy: Path, write_model: WriteModel, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = write_model() / "raw.safetensors"
    assert bin_it_right("evaluate", str(weights), str(toy), "--extra-split", "heldout.parquet") == 1
    assert "expected NAME=VALUE" in capsys.readouterr().err
