"""Weights between two sets of weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from scripts.interpolate_weights import interpolate


def test_weights_lie_between_and_counters_are_the_later_ones(tmp_path: Path) -> None:
    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    save_file({"weight": torch.tensor([0.0, 2.0]).half(), "steps": torch.tensor(3)}, before)
    save_file({"weight": torch.tensor([4.0, 2.0]), "steps": torch.tensor(9)}, after)
    interpolate(before, after, 0.25, tmp_path / "new" / "between.safetensors")
    state = load_file(tmp_path / "new" / "between.safetensors")
    assert state["weight"].tolist() == [1.0, 2.0]
    assert int(state["steps"]) == 9


def test_other_networks_and_other_shares_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    save_file({"weight": torch.zeros(2)}, one)
    save_file({"weight": torch.zeros(3)}, two)
    with pytest.raises(ValueError, match="different networks"):
        interpolate(one, two, 0.5, tmp_path / "out.safetensors")
    with pytest.raises(ValueError, match="between 0 and 1, not 2"):
        interpolate(one, one, 2, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
