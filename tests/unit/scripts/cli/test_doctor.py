"""`bin-it-right doctor`: what it says of machines that tests make up, and of this one."""

import socket

import pytest
from typer.testing import CliRunner

from scripts.cli.doctor import accelerator, machine, service, software
from scripts.cli.doctor.finding import State, good
from scripts.cli.main import app


@pytest.mark.parametrize(
    ("system", "processor", "libc", "state", "says"),
    [
        ("Linux", "x86_64", ("glibc", "2.36"), State.good, ""),
        ("Linux", "x86_64", ("glibc", "2.100"), State.good, ""),
        ("Linux", "x86_64", ("glibc", "2.31"), State.problem, "2.35"),
        ("Linux", "x86_64", ("", ""), State.problem, "glibc"),
        ("Linux", "aarch64", ("glibc", "2.36"), State.problem, "docker compose"),
        ("Darwin", "arm64", ("", ""), State.problem, "docker compose"),
        ("Windows", "AMD64", ("", ""), State.problem, "WSL"),
    ],
)
def test_systems(system: str, processor: str, libc: tuple[str, str], state: State, says: str) -> None:
    finding = machine.system(system, processor, libc)
    assert finding.state is state
    assert says in finding.remedy


@pytest.mark.parametrize(
    ("version", "state"), [((3, 11), State.good), ((3, 10), State.problem), ((3, 14), State.problem)]
)
def test_pythons(version: tuple[int, int], state: State) -> None:
    assert software.python(version).state is state


def test_paths_are_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/" + "/".join(["a-long-folder"] * 12)
    monkeypatch.setattr(software, "check_software", lambda: iter([good("Python", path)]))
    assert path in CliRunner().invoke(app, ["doctor"]).output


def test_missing_packages_are_named_with_their_remedy() -> None:
    finding = software.packages("serving", ("pytest", "no-such-package"), "`make run`")
    assert finding.state is State.note
    assert "no-such-package" in finding.text
    assert finding.remedy == "`make run`"


def test_a_busy_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        finding = service.ports({"PORT": ("127.0.0.1", number)})
    assert finding.state is State.problem
    assert str(number) in finding.text
    assert "PORT" in finding.remedy


@pytest.mark.parametrize(
    ("free", "state"), [(64 * 1024**2, State.problem), (1024**3, State.good)], ids=["Docker's default", "enough"]
)
def test_shared_memory(free: int, state: State) -> None:
    assert machine.shared_memory(free).state is state


def test_gpu_that_pytorch_can_not_use_is_a_problem() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that works")
    assert accelerator.torch_on(has_gpu=False).state is State.good
    assert accelerator.torch_on(has_gpu=True).state is not State.good


def test_every_remedy_comes_with_something_found_and_sets_the_exit_status() -> None:
    result = CliRunner().invoke(app, ["doctor", "--port", "18490"], env={"COLUMNS": "300"})
    lines = [line.split() for line in result.stdout.splitlines()]
    states = [words[0] for words in lines if words and words[0] in set(State)]
    assert len(states) >= 10
    for topic in ("system", "CPU", "disk", "Python", "Triton", "GPU", "PyTorch", "DALI", "ports"):
        assert any(topic in words[1:3] for words in lines), topic
    assert result.exit_code == (1 if State.problem in states else 0), result.output


@pytest.mark.parametrize(
    ("setting", "says"), [("float32", "float32 on a CPU: it was asked for"), ("auto", " on a CPU")]
)
def test_the_precision_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch, setting: str, says: str) -> None:
    monkeypatch.setenv("EMBEDDED_TRITON_CPU_PRECISION", setting)
    (finding,) = machine._precision()
    assert finding.state is State.good
    assert says in finding.text
