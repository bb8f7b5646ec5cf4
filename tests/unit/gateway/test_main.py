"""The start from the command line: what it warns of, and what it refuses."""

import gc

import pytest
from structlog.testing import capture_logs

from gateway import __main__ as command
from gateway.http.server import GatewayServer
from gateway.settings import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "gateway.example"])
def test_a_gateway_that_is_open_to_everyone_says_so(host: str) -> None:
    with capture_logs() as lines:
        command._warn_of_openness(Settings(host=host))
    assert [line["event"] for line in lines] == ["open_to_everyone"]
    assert host in lines[0]["advice"]
    assert "GATEWAY_API_KEYS" in lines[0]["advice"]


@pytest.mark.parametrize(
    "settings", [{"host": "127.0.0.1"}, {"host": "127.0.0.9"}, {"host": "::1"}, {"host": "localhost"}, {}]
)
def test_a_gateway_on_the_loopback_does_not(settings: dict[str, str]) -> None:
    with capture_logs() as lines:
        command._warn_of_openness(Settings(**settings))  # type: ignore[arg-type]
    assert not lines


def test_neither_does_one_that_asks_for_keys() -> None:
    with capture_logs() as lines:
        command._warn_of_openness(Settings(host="0.0.0.0", api_keys="secret"))
    assert not lines


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("GATEWAY_MAX_PIXELS", "many", "GATEWAY_MAX_PIXELS|MAX_PIXELS"),
        ("TRITON_URL", "one:8001,two:8001", "TRITON_URL is wrong"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(command, "configure_logging", lambda settings: None)
    with pytest.raises(SystemExit, match=sentence):
        command.main([])


def test_the_garbage_collector_leaves_alone_what_is_there_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(command, "configure_logging", lambda settings: None)
    monkeypatch.setattr(command, "return_freed_memory", lambda: None)
    monkeypatch.setattr(GatewayServer, "run", lambda self: frozen.append(gc.get_freeze_count()))
    try:
        command.main([])
    finally:
        gc.unfreeze()
    assert frozen[0] > 10_000
