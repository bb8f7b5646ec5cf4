"""`bin-it-right promote`: weights that have learned nothing are released, where nothing better is, but called so."""

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import bin_it_right
from training.evaluate.card import read_card, weights_path, write_card


@pytest.mark.parametrize(("interval", "warned"), [((0.1, 0.4), True), ((0.3, 0.9), False)])
def test_weights_at_chance_level_are_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], interval: tuple[float, float], warned: bool
) -> None:
    card = read_card("raw")
    val = card.metrics["val"]
    val = val.model_copy(update={"intervals": dict(val.intervals) | {"balanced_accuracy": interval}})
    candidate = tmp_path / "candidate"
    candidate.mkdir()
    write_card(card.model_copy(update={"metrics": dict(card.metrics) | {"val": val}}), candidate)
    shutil.copyfile(weights_path("raw"), weights_path("raw", candidate))
    words = ("promote", "raw", "--candidate", str(candidate), "--weights", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    assert bin_it_right(*words) == 0
    assert ("raw is no better than chance" in capsys.readouterr().out) is warned
