"""Files that appear whole or not at all."""

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training.atomic_write import write_atomically
from training.models.build import build_network
from training.train.checkpoints import load_run, load_weights, save_run, save_weights


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")

    def write(temporary: Path) -> None:
        temporary.write_text("half of the ne", encoding="utf-8")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_atomically(path, write)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("first", "second"):
        write_atomically(path, partial(Path.write_text, data=text, encoding="utf-8"))
        assert path.read_text(encoding="utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_half_precision_halves_the_file_and_hardly_changes_the_answers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network("raw", 6).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        before = torch.softmax(network(images), dim=1)
    save_weights(network, tmp_path / "full.safetensors")
    save_weights(network, tmp_path / "half.safetensors", half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.51 * (tmp_path / "full.safetensors").stat().st_size
    other = build_network("raw", 6).eval()
    load_weights(other, tmp_path / "half.safetensors")
    assert {parameter.dtype for parameter in other.parameters()} == {torch.float32}
    with torch.inference_mode():
        torch.testing.assert_close(torch.softmax(other(images), dim=1), before, atol=0.01, rtol=0)


def test_counters_keep_their_integers_in_half_precision(tmp_path: Path) -> None:
    network = build_network("raw", 6)
    save_weights(network, tmp_path / "half.safetensors", half=True)
    state = load_file(tmp_path / "half.safetensors")
    counters = [tensor.dtype for name, tensor in state.items() if name.endswith("num_batches_tracked")]
    assert counters
    assert set(counters) == {torch.int64}


def test_weights_of_another_network_and_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(build_network("raw", 6), path)
    with pytest.raises(ValueError, match="does not hold the weights of this network"):
        load_weights(build_network("raw", 5), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="does not hold the weights of this network"):
        load_weights(build_network("raw", 6), path)


def test_the_state_of_a_run_comes_back(tmp_path: Path) -> None:
    state = {"history": [{"epoch": 1, "loss": 0.5}], "network": {"weight": torch.arange(3.0)}}
    save_run(tmp_path / "last.pt", state)
    loaded = load_run(tmp_path / "last.pt")
    assert loaded["history"] == state["history"]
    assert torch.equal(loaded["network"]["weight"], torch.arange(3.0))
