"""Progress: a plain line an epoch in a log, a bar on a terminal."""

import pytest
import torch

from training.train.progress import Progress

ROW = {"epoch": 1.0, "seconds": 1.0, "train_loss": 1.25, "val_loss": 0.75} | {
    "val_accuracy": 0.5,
    "val_balanced_accuracy": 0.4,
}


def _run(progress: Progress) -> None:
    progress.say("reading 3 photos")
    progress.begin(0, steps=2)
    progress.step(torch.tensor(1.5), 0.01)
    progress.step(torch.tensor(1.0), 0.02)
    progress.epoch(ROW)
    progress.close()


def test_a_log_gets_a_plain_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    _run(Progress(3))
    first, second = capsys.readouterr().out.splitlines()
    assert first == "reading 3 photos"
    assert second.startswith("epoch 1/3  loss 1.250  validation: loss 0.750 accuracy 0.5000 balanced 0.4000")
    assert second.endswith("min left")


def test_a_terminal_gets_a_bar_with_loss_and_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    _run(Progress(3))
    out = capsys.readouterr().out
    assert "epoch 1/3" in out
    # Which of the two steps is shown depends on how busy the machine is.
    assert "loss 1.000  rate 0.0200" in out or "loss 1.500  rate 0.0100" in out
    assert "\x1b[" in out


def test_another_process_than_the_main_one_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _run(Progress(3, prints=False))
    assert capsys.readouterr().out == ""
