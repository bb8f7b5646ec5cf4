"""What a run writes and when."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from training.train.checkpoint_writer import CheckpointWriter
from training.train.checkpoints import load_run


def state(epoch: int, network: nn.Module) -> dict[str, Any]:
    row = {"epoch": epoch, "seconds": 1.0, "train_loss": 1.0, "val_loss": 1.0}
    row |= {"val_accuracy": 0.5, "val_balanced_accuracy": 0.5}
    return {"history": [{**row, "epoch": number + 1} for number in range(epoch)], "network": network.state_dict()}


def change(network: nn.Linear, value: float) -> nn.Linear:
    with torch.no_grad():
        network.weight.fill_(value)
    return network


def test_short_epochs_wait_in_memory_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    network = nn.Linear(1, 1)
    writer = CheckpointWriter(tmp_path)
    writer.epoch(state(1, change(network, 1)), network)
    assert len(load_run(tmp_path / "last.pt")["history"]) == 1

    now += 29
    writer.epoch(state(2, change(network, 2)), network)
    writer.epoch(state(3, change(network, 3)), None)
    change(network, 4)  # half an epoch more
    assert len(load_run(tmp_path / "last.pt")["history"]) == 1
    writer.flush()
    written = load_run(tmp_path / "last.pt")
    assert (len(written["history"]), float(written["network"]["weight"])) == (3, 3)
    assert float(load_file(tmp_path / "best.safetensors")["weight"]) == 2
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 4

    (tmp_path / "last.pt").unlink()
    writer.flush()
    assert not (tmp_path / "last.pt").exists()  # nothing waits
    now += 30
    writer.epoch(state(4, network), None)
    assert len(load_run(tmp_path / "last.pt")["history"]) == 4
