"""The command that writes a network between two trained ones."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from scripts.interpolate_weights import main


def test_it_writes_the_weights_between(tmp_path: Path) -> None:
    for name, value in (("old", 1.0), ("new", 3.0)):
        save_file({"fc.weight": torch.full((2, 2), value)}, tmp_path / f"{name}.safetensors")
    output = tmp_path / "runs" / "between.safetensors"
    files = [str(tmp_path / f"{name}.safetensors") for name in ("old", "new")]
    assert main([*files, str(output), "--share", "0.5"]) == 0
    torch.testing.assert_close(load_file(output)["fc.weight"], torch.full((2, 2), 2.0))


def test_a_missing_or_broken_file_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    for name in ("missing.safetensors", broken.name):
        path = str(tmp_path / name)
        assert main([path, path, str(tmp_path / "out.safetensors"), "--share", "0.5"]) == 1
        assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "out.safetensors").exists()
