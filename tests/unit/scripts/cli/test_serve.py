"""What `serve` takes from the environment, and what it says once all is ready; nothing is started here."""

import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from embedded_triton.install import ports
from embedded_triton.process.signals import StopSignals
from scripts.cli import serve as module
from scripts.cli.main import app


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that would have been served."""
    for name in ("GATEWAY_HOST", "GATEWAY_PORT", "PORT"):
        monkeypatch.delenv(name, raising=False)
    called: list[tuple[str, int]] = []

    def serve(host: str, port: int, *_: Any, **__: Any) -> None:
        called.append((host, port))

    monkeypatch.setattr(module, "serve", serve)
    monkeypatch.setattr("embedded_triton.process.signals.StopSignals.install", lambda _signals: None)
    return called


@pytest.mark.parametrize(
    ("variables", "words", "address"),
    [
        ({}, [], ("127.0.0.1", 8080)),
        ({"PORT": "8095"}, [], ("127.0.0.1", 8095)),
        ({"GATEWAY_HOST": "0.0.0.0", "GATEWAY_PORT": "8096"}, [], ("0.0.0.0", 8096)),
        ({"GATEWAY_HOST": "0.0.0.0", "PORT": "8095"}, ["--host=::1", "--port=8097"], ("::1", 8097)),
    ],
)
def test_documented_settings_hold(
    served: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    words: list[str],
    address: tuple[str, int],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["serve", *words])
    assert result.exit_code == 0, result.output
    assert served == [address]


@pytest.mark.parametrize("value", ["70000", "tcp://10.0.0.1:8080"])
def test_a_wrong_port_is_a_sentence(served: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 1, result.output
    assert not served
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert " PORT: " in result.stderr


def test_a_public_host_says_where_a_phone_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "lan_address", lambda host: "192.168.7.5" if host == "0.0.0.0" else None)
    said = module.announcement("0.0.0.0", 8080, "raw")
    assert "http://localhost:8080" in said
    assert "On a phone in the same network: http://192.168.7.5:8080" in said
    assert "phone" not in module.announcement("127.0.0.1", 8080, "raw")


def test_the_line_to_try_asks_where_it_listens() -> None:
    assert "curl -X POST http://10.1.2.3:81/own/predict" in module.announcement("10.1.2.3", 81, "own")
    assert str(Path("gateway/web/rendered_plastic.webp")) in module.announcement("127.0.0.1", 8080, "raw")


class _Part:
    """Stands for Triton's server, its supervisor and the gateway: ready at once, and the gateway is killed then."""

    profile = None
    stopped = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def start(self) -> None:
        """Nothing starts."""

    def wait_until_ready(self, _stop: threading.Event) -> bool:
        return True

    def poll(self) -> int:
        return 128 + signal.SIGKILL

    def stop(self, _hurry: threading.Event) -> None:
        _Part.stopped += 1


def test_a_killed_gateway_says_by_what_and_everything_is_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("server.Server", "supervisor.Supervisor", "launch.Gateway"):
        monkeypatch.setattr(f"embedded_triton.{name}", _Part)
    monkeypatch.setattr("embedded_triton.install.ports.require_free", lambda _endpoints: None)
    monkeypatch.setattr(module, "_export", lambda *_, **__: None)
    with pytest.raises(module.ServeError, match=r"The gateway was ended by SIGKILL: .*lack of memory"):
        module.serve("127.0.0.1", 8080, StopSignals(), logs=tmp_path)
    assert _Part.stopped == 2
