"""Which tuning profile a machine gets."""

from pathlib import Path

import pytest

from embedded_triton.errors import RepositoryError
from embedded_triton.install.cpu import usable_cores
from embedded_triton.install.profiles import choose_profile, fitting_profile, gpu_count, gpu_names


def _driver(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        gpu = folder / f"0000:{number:02x}:00.0"
        gpu.mkdir(parents=True)
        (gpu / "information").write_text(f"Model: \t\t {name}\nIRQ:   \t\t 42\n", encoding="utf-8")
    return folder


def _repository(folder: Path, *profiles: str) -> Path:
    configs = folder / "resnet50" / "configs"
    configs.mkdir(parents=True)
    for name in profiles:
        (configs / f"{name}.pbtxt").touch()
    return folder


def test_gpus_are_read_from_the_driver(tmp_path: Path) -> None:
    assert gpu_names(_driver(tmp_path, "NVIDIA L4", "NVIDIA H200")) == ["NVIDIA L4", "NVIDIA H200"]
    assert gpu_names(tmp_path / "missing") == []


def test_gpus_are_counted_by_their_devices(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert gpu_count(tmp_path) == 2


@pytest.mark.parametrize(("hidden", "count"), [("", 0), ("-1", 0), ("0", 1)])
def test_hidden_gpus_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: str, count: int) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    (tmp_path / "nvidia0").touch()
    assert gpu_count(tmp_path) == count
    assert len(gpu_names(_driver(tmp_path, "NVIDIA L4"))) == count


@pytest.mark.parametrize(
    ("gpus", "cores", "expected"),
    [
        ([], 2, None),
        ([], 8, None),
        ([], 16, "cpu-16"),
        (["NVIDIA L4"], 8, "l4"),
        (["Tesla T4"], 96, "l4"),
        (["NVIDIA H100 80GB HBM3"], 16, "h100"),
        (["NVIDIA H200"], 2, "h100"),
        (["NVIDIA H200", "NVIDIA L4"], 16, "l4"),
    ],
)
def test_the_machine_decides(gpus: list[str], cores: int, expected: str | None) -> None:
    assert fitting_profile(gpus, cores) == expected


def test_auto_takes_what_fits_and_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_triton.install.profiles.gpu_names", lambda: ["NVIDIA H100 PCIe"])
    assert choose_profile("auto", _repository(tmp_path / "all", "cpu-16", "h100")) == "h100"
    assert choose_profile("auto", _repository(tmp_path / "own")) is None
    assert choose_profile("default", tmp_path / "all") is None
    assert choose_profile("cpu-16", tmp_path / "all") == "cpu-16"


def test_an_unknown_name_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="auto, default, cpu-16, l4"):
        choose_profile("l40", _repository(tmp_path, "cpu-16", "l4"))


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
