"""The Multi-Process Service with a control daemon that is a script, and a stand-in for the trial on a GPU."""

import os
import threading
import time
from pathlib import Path

import pytest

from embedded_triton.process import mps as module
from embedded_triton.process.mps import Mps
from embedded_triton.process.process_table import arguments_of
from tests.support.waiting import eventually

#: Answers as NVIDIA's does, as far as it is asked here, where the folder of its pipes has a socket.
CONTROL = """#!/bin/sh
if [ "$1" = -f ]; then
    echo "$$ ${CUDA_VISIBLE_DEVICES-all}" > "$0.started"
    OPEN
    exec sleep 600
fi
[ -e "$CUDA_MPS_PIPE_DIRECTORY/control" ] || exit 1
read -r question
case "$question" in
    quit) kill "$(cut -d ' ' -f 1 "$0.started")" ;;
    get_server_list) cat "$CUDA_MPS_PIPE_DIRECTORY/servers" ;;
    *) echo 100.0 ;;
esac
"""
OPEN = 'touch "$CUDA_MPS_PIPE_DIRECTORY/control"'
#: A client of the daemon, by whom it gets a server.
TRIAL = """
import os, pathlib
assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
pathlib.Path(os.environ["CUDA_MPS_PIPE_DIRECTORY"], "servers").write_text("4711")
"""


class Control:
    """The folder that the control daemon is installed in."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "nvidia-cuda-mps-control"
        self.environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": "3"}
        self.install(OPEN)

    def install(self, open_socket: str) -> None:
        self.program.write_text(CONTROL.replace("OPEN", open_socket))
        self.program.chmod(0o755)

    def started(self) -> list[str]:
        file = self.program.with_suffix(".started")
        return file.read_text().split() if file.exists() else []

    def ended(self) -> bool:
        return eventually(lambda: not arguments_of(int(self.started()[0])))


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    monkeypatch.setattr(module, "_START_SECONDS", 2.0)
    monkeypatch.setattr(module, "_TRIAL", TRIAL)
    (tmp_path / "bin").mkdir()
    return Control(tmp_path / "bin")


def test_it_serves_until_it_is_stopped_and_leaves_nothing(control: Control) -> None:
    mps = Mps(control.environment)
    assert mps.start() is None
    folder = Path(mps.variables["CUDA_MPS_PIPE_DIRECTORY"])
    assert (folder / "control").exists()
    # It numbers all GPUs; its clients choose among them.
    assert control.started()[1] == "all"
    mps.stop()
    assert control.ended()
    assert not folder.exists()
    assert mps.variables == {}


@pytest.mark.parametrize(
    ("opens", "trial", "fault"),
    [
        ("", TRIAL, "does not start"),
        (OPEN, "raise SystemExit(1)", "no process can use"),
        (OPEN, "pass", "nobody uses"),
    ],
    ids=["mute", "broken", "not found"],
)
def test_one_that_does_not_work_is_ended_and_said(
    control: Control, monkeypatch: pytest.MonkeyPatch, opens: str, trial: str, fault: str
) -> None:
    control.install(opens)
    monkeypatch.setattr(module, "_TRIAL", trial)
    mps = Mps(control.environment)
    assert fault in str(mps.start())
    assert mps.variables == {}
    assert control.ended()


def test_it_is_killed_while_it_starts(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRIAL", "import time; time.sleep(600)")
    mps = Mps(control.environment)
    starting = threading.Thread(target=mps.start)
    starting.start()
    assert eventually(lambda: bool(control.started()))
    time.sleep(0.1)
    mps.kill()
    starting.join(timeout=20)
    assert not starting.is_alive()
    assert control.ended()


def test_without_a_driver_it_is_said(tmp_path: Path) -> None:
    assert "is not on the path" in str(Mps({"PATH": str(tmp_path)}).start())


def test_a_service_that_is_there_already_is_used(control: Control, tmp_path: Path) -> None:
    (tmp_path / "control").touch()
    mps = Mps(control.environment | {"CUDA_MPS_PIPE_DIRECTORY": str(tmp_path)})
    assert mps.start() is None
    assert mps.variables == {}
    assert control.started() == []
