"""Programs that are started, awaited and stopped."""

import signal
import sys
import threading
from pathlib import Path

import pytest

from embedded_triton.errors import ServerStartError
from embedded_triton.process.program import Program, describe_exit

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_a_program_runs_while_the_body_does_and_can_run_again(tmp_path: Path) -> None:
    program = Program(SLEEPER, log=tmp_path / "folder" / "log")
    for _ in range(2):
        with program:
            assert program.wait(lambda: "up" in (tmp_path / "folder" / "log").read_text())
            assert program.is_up()
        assert not program.is_up()


def test_it_is_stopped_whatever_happens_in_the_body(tmp_path: Path) -> None:
    program = Program(SLEEPER, log=tmp_path / "log")
    with pytest.raises(KeyboardInterrupt), program:
        raise KeyboardInterrupt
    assert not program.is_up()


def test_one_that_ends_instead_of_getting_ready_says_why(tmp_path: Path) -> None:
    program = Program([sys.executable, "-c", "print('no room'); raise SystemExit(3)"], log=tmp_path / "log")
    with program, pytest.raises(ServerStartError, match=r"has ended with status 3 while.*\n.*no room"):
        program.wait(lambda: False)


def test_one_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with Program(SLEEPER, log=tmp_path / "log") as program, pytest.raises(ServerStartError, match="not ready within"):
        program.wait(lambda: False, seconds=0.1)


def test_waiting_ends_with_the_wish_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    with Program(SLEEPER, log=tmp_path / "log") as program:
        threading.Timer(0.2, stop.set).start()
        assert not program.wait(lambda: False, stop=stop)


def test_whoever_is_in_a_hurry_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    ignores_sigterm = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    program = Program([sys.executable, "-c", ignores_sigterm + SLEEPER[2]], log=tmp_path / "log", grace=600)
    program.start()
    program.wait(lambda: "up" in (tmp_path / "log").read_text())
    hurry = threading.Event()
    hurry.set()
    assert program.stop(hurry) == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (3, "has ended with status 3"),
        (0, "has ended with status 0"),
        (-9, "was ended by SIGKILL: by somebody, or by the kernel for lack of memory (see `dmesg`)"),
        (137, "was ended by SIGKILL: by somebody, or by the kernel for lack of memory (see `dmesg`)"),
        (143, "was ended by SIGTERM"),
        (255, "has ended with status 255"),
    ],
)
def test_the_end_of_a_program_is_told(status: int, said: str) -> None:
    assert describe_exit(status) == said
