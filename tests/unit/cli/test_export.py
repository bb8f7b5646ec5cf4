"""The command that brings a model repository up to date."""

import shutil
import sys
from pathlib import Path

import pytest

from scripts.cli import export
from training.dataset.classes import MODEL_REPOSITORY
from training.evaluate.card import read_card, sha256, weights_path, write_card
from training.int8 import is_supported
from training.models.build import build_network
from training.train.checkpoints import save_weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The shipped card of `raw`, with random weights."""
    card = read_card("raw")
    save_weights(build_network("raw", len(card.classes)), weights_path("raw", tmp_path / "weights"), half=True)
    _renew(card.int8, tmp_path / "weights")
    return tmp_path / "weights"


def _renew(int8: object, folder: Path) -> None:
    digest = sha256(weights_path("raw", folder))
    write_card(read_card("raw").model_copy(update={"weights_sha256": digest, "int8": int8}), folder)


@pytest.mark.skipif(not is_supported(), reason="this PyTorch does not compute in 8 bits on this processor")
def test_8_bits_of_other_weights_do_not_stay(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = tmp_path / "model_repository"
    shutil.copytree(MODEL_REPOSITORY, repository, ignore=shutil.ignore_patterns("model*.pt"))
    command = ["export", f"--model-repository={repository}", f"--weights={weights}"]
    monkeypatch.setattr(sys, "argv", [*command, "--int8"])
    assert export.main() == 0
    exports = repository / "raw_cnn" / "1"
    assert f"wrote {exports / 'model.int8.pt'}" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", command)
    assert export.main() == 0
    assert (exports / "model.int8.pt").exists()
    save_weights(build_network("raw", 6), weights_path("raw", weights), half=True)
    _renew(None, weights)
    assert export.main() == 0
    assert (exports / "model.pt").exists()
    assert not (exports / "model.int8.pt").exists()
