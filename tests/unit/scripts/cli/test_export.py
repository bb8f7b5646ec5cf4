"""The command that brings a model repository up to date."""

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import bin_it_right
from training.dataset.classes import MODEL_REPOSITORY
from training.evaluate.card import read_card, sha256, weights_path, write_card
from training.models.build import build_network
from training.train.checkpoints import save_weights


def test_it_writes_what_is_old_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, repository = tmp_path / "weights", tmp_path / "model_repository"
    card = read_card("raw")
    save_weights(build_network("raw", len(card.classes)), weights_path("raw", weights), half=True)
    write_card(card.model_copy(update={"weights_sha256": sha256(weights_path("raw", weights))}), weights)
    shutil.copytree(MODEL_REPOSITORY, repository, ignore=shutil.ignore_patterns("model*.pt"))
    words = ("export", f"--model-repository={repository}", f"--weights={weights}")
    assert bin_it_right(*words) == 0
    assert f"wrote {repository / 'raw_cnn' / '1' / 'model.pt'}" in capsys.readouterr().out
    assert bin_it_right(*words) == 0
    assert capsys.readouterr().out == ""
