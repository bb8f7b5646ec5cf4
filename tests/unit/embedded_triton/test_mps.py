"""The Multi-Process Service with a control daemon that is a script, and a stand-in for the trial on a GPU."""

import os
import time
from pathlib import Path

import pytest

from embedded_triton import mps as module
from embedded_triton.mps import start_mps
from embedded_triton.processes import arguments_of

DAEMON = """#!/bin/sh
echo "$$ $* $CUDA_VISIBLE_DEVICES" >> "$0.log"
if [ "$1" != -f ]; then
    read -r command && [ "$command" = quit ] && kill "$(head -n 1 "$0.log" | cut -d ' ' -f 1)"
    exit
fi
{opens}
exec sleep 600
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the control daemon; nobody has started one for the whole machine."""
    monkeypatch.setattr(module, "_OF_THE_MACHINE", tmp_path / "none")
    monkeypatch.setattr(module, "_START_SECONDS", 2.0)
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def install(programs: Path, *, opens: bool = True) -> dict[str, str]:
    """Install the daemon, which opens its socket or not, and return the environment of a server that would find it."""
    program = programs / "nvidia-cuda-mps-control"
    program.write_text(DAEMON.format(opens='touch "$CUDA_MPS_PIPE_DIRECTORY/control"' if opens else ""))
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": "3"}


def daemon(programs: Path) -> int:
    return int((programs / "nvidia-cuda-mps-control.log").read_text().split()[0])


def ended(process: int) -> bool:
    end = time.monotonic() + 20
    while arguments_of(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not arguments_of(process)


def test_it_serves_until_it_is_stopped_and_leaves_nothing(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRIAL", "import os; raise SystemExit('CUDA_MPS_PIPE_DIRECTORY' not in os.environ)")
    said: list[str] = []
    mps = start_mps(install(programs), said.append)
    assert mps is not None
    folder = Path(mps.variables["CUDA_MPS_PIPE_DIRECTORY"])
    assert (folder / "control").exists()
    assert "sleep" in arguments_of(daemon(programs))[0]
    mps.stop()
    assert ended(daemon(programs))
    assert not folder.exists()
    assert said == []
    # It numbers all GPUs; its clients choose among them.
    starts = (programs / "nvidia-cuda-mps-control.log").read_text().splitlines()
    assert [line.split()[1:] for line in starts] == [["-f"], []]


@pytest.mark.parametrize(("opens", "trial"), [(False, "pass"), (True, "raise SystemExit(1)")], ids=["mute", "broken"])
def test_one_that_does_not_work_is_ended_and_said(
    programs: Path, monkeypatch: pytest.MonkeyPatch, opens: bool, trial: str
) -> None:
    monkeypatch.setattr(module, "_TRIAL", trial)
    said: list[str] = []
    assert start_mps(install(programs, opens=opens), said.append) is None
    assert said == ["nvidia-cuda-mps-control does not work here: the processes take turns on the GPU."]
    assert ended(daemon(programs))


def test_without_a_driver_there_is_none(programs: Path) -> None:
    assert start_mps({"PATH": str(programs)}, pytest.fail) is None


@pytest.mark.parametrize("whose", ["the environment's", "the machine's"])
def test_a_service_that_is_there_already_is_used(
    programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whose: str
) -> None:
    environment = install(programs)
    if whose == "the machine's":
        monkeypatch.setattr(module, "_OF_THE_MACHINE", tmp_path)
    else:
        environment["CUDA_MPS_PIPE_DIRECTORY"] = str(tmp_path)
    assert start_mps(environment, pytest.fail) is None
    assert not (programs / "nvidia-cuda-mps-control.log").exists()
