"""What scripts/environment.py asks uv to install."""

import subprocess
from pathlib import Path

import pytest

from scripts import environment

LOCK = """\
# written by requirements/compile.sh
nvidia-cublas==13.0 \\
    --hash=sha256:aa
    # via torch
nvidia-dali-cuda130==2.4.0 \\
    --hash=sha256:bb
    # via bin-it-right (pyproject.toml:triton)
torch==2.13.0 \\
    --hash=sha256:cc
    # via bin-it-right (pyproject.toml:triton)
"""


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run."""
    ran: list[list[str]] = []
    monkeypatch.setattr(environment, "run_uv", ran.append)
    return ran


def test_the_cpu_build_needs_neither_torch_from_the_lock_nor_what_only_torch_needs() -> None:
    kept = environment.without_cuda(LOCK)
    assert "nvidia-dali-cuda130" in kept
    assert "torch" not in kept.replace("via torch", "")
    assert "nvidia-cublas" not in kept


@pytest.mark.parametrize("where", ["index", "folder"])
def test_torch_for_the_cpu_comes_from_an_index_or_a_folder_of_wheels(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    source = str(tmp_path) if where == "folder" else "https://index.example/cpu"
    monkeypatch.setenv("PYTORCH_CPU_INDEX", source)
    environment.install(tmp_path, LOCK, "cpu")
    (torch,) = (command for command in commands if "torch==2.13.0" in command)
    options = ["--no-index", "--find-links", source] if where == "folder" else ["--default-index", source]
    assert torch[-len(options) - 2 :] == [*options, "--reinstall", "torch==2.13.0"]


def test_the_cuda_build_is_the_locks_own(commands: list[list[str]], tmp_path: Path) -> None:
    environment.install(tmp_path, LOCK, "cuda")
    assert not any("torch==2.13.0" in command for command in commands)
    assert any("--require-hashes" in command for command in commands)


def test_uv_is_passed_on_without_its_list_of_packages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nprintf 'Installed 2 packages\\n + one==1\\n + two==2\\n' >&2; exit $1\n")
    uv.chmod(0o755)
    environment.run_uv([str(uv), "0"])
    assert capsys.readouterr().err == "  Installed 2 packages\n"
    with pytest.raises(subprocess.CalledProcessError):
        environment.run_uv([str(uv), "1"])
