import pytest
from pydantic import ValidationError

from gateway import __main__ as command
from gateway.settings import Settings


def test_every_setting_says_what_follows_from_it() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TRITON_URL": "triton:9001",
        "PORT": "9090",
        "GATEWAY_API_KEYS": "a, b,",
        "GATEWAY_MODEL_TYPES": "raw",
        "GATEWAY_DEADLINE_SECONDS": "2.5",
    }.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.triton_url, settings.port, settings.deadline_seconds) == ("triton:9001", 9090, 2.5)
    assert [key.get_secret_value() for key in settings.api_keys] == ["a", "b"]
    assert settings.model_types == ("raw",)


def test_settings_can_not_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("GATEWAY_MAX_PIXELS", "0"), ("GATEWAY_LOG_FORMAT", "xml"), ("GATEWAY_MODEL_TYPES", ",")],
)
def test_wrong_value_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        command.main([])
    sentence = str(stopped.value)
    assert sentence.startswith("The gateway does not start")
    assert name.removeprefix("GATEWAY_") in sentence


def test_wrong_addresses_stop_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_URL", "one:8001,two:8001")
    with pytest.raises(SystemExit, match="TRITON_URL"):
        command.main([])
