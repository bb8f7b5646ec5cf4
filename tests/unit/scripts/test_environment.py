"""What scripts/environment.py asks uv to install."""

import http.server
import json
import re
import shutil
import socket
import subprocess
import threading
import time
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


def _versions(profile: str) -> dict[str, set[str]]:
    """Return the packages of a lock with their versions; some have one for each range of Pythons."""
    lock = (environment.ROOT / "requirements" / f"{profile}.txt").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9][\w.-]*)==([^\s;]+)", lock, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("profile", environment.PROFILES)
def test_one_environment_can_hold_every_profile(profile: str) -> None:
    own = _versions(profile)
    for other in environment.PROFILES:
        theirs = _versions(other)
        assert {name: own[name] for name in own.keys() & theirs.keys()}.items() <= theirs.items(), other
    place = environment.CHAIN.index(profile) if profile in environment.CHAIN else None
    for smaller in environment.CHAIN[:place]:
        assert _versions(smaller).keys() <= own.keys()


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


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without an NVIDIA driver; the file that is returned is one once it exists."""
    monkeypatch.setattr(environment, "DRIVER", (tmp_path / "driver",))
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    return tmp_path / "driver"


def test_without_a_driver_and_an_index_the_default_index_is_taken_and_one_line_says_so(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTORCH_CPU_INDEX", "http://127.0.0.1:9/cpu")
    assert environment.choose_torch("serve") == "cuda"
    (line,) = capsys.readouterr().out.splitlines()
    assert "http://127.0.0.1:9/cpu cannot be reached: its CUDA build comes from the default index" in line


def test_an_index_that_does_not_answer_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert not environment.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/cpu", 0.3)
        assert time.monotonic() - began < 5


class _Index(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_without_a_driver_the_cpu_build_is_taken_from_an_index_that_answers(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.HTTPServer(("127.0.0.1", 0), _Index)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        monkeypatch.setenv("PYTORCH_CPU_INDEX", f"http://127.0.0.1:{server.server_port}/cpu")
        assert environment.choose_torch("serve") == "cpu"
        assert _Index.asked == ["/cpu/torch/"]
        machine.touch()
        assert environment.choose_torch("serve") == "cuda"
        assert _Index.asked == ["/cpu/torch/"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *words: str, fails: str | None = None) -> list[str]:
    """Run the program without installing anything; return which builds it tried, of which one may fail."""
    tried: list[str] = []

    def install(_folder: Path, _lock: str, torch: str) -> None:
        tried.append(torch)
        if torch == fails:
            raise subprocess.CalledProcessError(1, ["uv"])

    monkeypatch.setattr(environment, "install", install)
    monkeypatch.setattr(environment, "make_venv", lambda venv: venv.mkdir(exist_ok=True))
    monkeypatch.setattr("sys.argv", ["environment.py", "serve", "--venv", str(folder), *words])
    environment.main()
    return tried


def test_a_cpu_build_that_cannot_be_had_is_replaced_unless_somebody_asked_for_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTORCH_CPU_INDEX", str(tmp_path))
    assert run(monkeypatch, tmp_path / "one", fails="cpu") == ["cpu", "cuda"]
    assert json.loads((tmp_path / "one" / "bin-it-right.json").read_text())["torch"] == "cuda"
    with pytest.raises(SystemExit, match="uv failed"):
        run(monkeypatch, tmp_path / "two", "--torch", "cpu", fails="cpu")


def test_what_is_there_stays_and_needs_no_index(machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "answers", lambda _index: pytest.fail("the index was asked"))
    assert run(monkeypatch, tmp_path / "venv", "--torch", "cpu") == ["cpu"]
    assert run(monkeypatch, tmp_path / "venv") == []
    assert run(monkeypatch, tmp_path / "venv", "--torch", "cuda") == ["cuda"]
    assert run(monkeypatch, tmp_path / "venv") == []
