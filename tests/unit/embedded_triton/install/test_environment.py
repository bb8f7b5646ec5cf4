"""What the server and its backends find in their environment."""

from pathlib import Path

from embedded_triton.install.environment import server_environment
from embedded_triton.settings import Settings

LIBRARIES = (Path("/wheel/libs"), Path("/python/lib"))


def build(**inherited: str) -> dict[str, str]:
    return server_environment(
        inherited,
        library_path=LIBRARIES,
        interpreter_folder=Path("/venv/bin"),
        packages=Path("/app"),
        settings=Settings(),
    )


def test_own_folders_come_before_inherited_ones() -> None:
    environment = build(PATH="/usr/bin", LD_LIBRARY_PATH="/opt/lib")
    assert environment["PATH"] == "/venv/bin:/usr/bin"
    assert environment["LD_LIBRARY_PATH"] == "/wheel/libs:/python/lib:/opt/lib"


def test_an_empty_library_path_adds_no_empty_entry() -> None:
    # An empty entry would mean the current folder.
    assert build(LD_LIBRARY_PATH="")["LD_LIBRARY_PATH"] == "/wheel/libs:/python/lib"


def test_python_variables_of_the_starter_do_not_reach_the_backends() -> None:
    environment = build(PYTHONPATH="/elsewhere", PYTHONHOME="/elsewhere", HOME="/home/me")
    assert environment["PYTHONPATH"] == "/app"
    assert "PYTHONHOME" not in environment
    assert environment["HOME"] == "/home/me"


def test_waiting_threads_soon_sleep_unless_someone_decided_otherwise() -> None:
    assert (build()["OMP_WAIT_POLICY"], build()["GOMP_SPINCOUNT"]) == ("PASSIVE", "3000")
    chosen = build(OMP_WAIT_POLICY="ACTIVE", GOMP_SPINCOUNT="7")
    assert (chosen["OMP_WAIT_POLICY"], chosen["GOMP_SPINCOUNT"]) == ("ACTIVE", "7")
