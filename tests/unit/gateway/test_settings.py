from pathlib import Path

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


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Compose and Kubernetes write it: GATEWAY_FEEDBACK_FOLDER= once kept photos in the working directory."""
    default = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"GATEWAY_{name.upper()}", "")
    for name in ("PORT", "TRITON_URL"):
        monkeypatch.setenv(name, "")
    assert Settings() == default
    monkeypatch.setenv("PORT", "9090")
    assert Settings().port == 9090


def test_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GATEWAY_FEEDBACK_FOLDER", "~/feedback")
    assert Settings().feedback_folder == tmp_path / "feedback"


def test_phone_photos_of_50_megapixels_are_within_the_default_limit() -> None:
    assert 8160 * 6144 <= Settings().max_pixels == 64_000_000


def test_origins_are_written_as_browsers_send_them() -> None:
    settings = Settings(cors_origins="https://Bins.example/, http://localhost:3000, *")
    assert settings.cors_origins == ("https://bins.example", "http://localhost:3000", "*")


@pytest.mark.parametrize("origin", ["bins.example", "https://bins.example/page", "https://"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="as in https://"):
        Settings(cors_origins=origin)


@pytest.mark.parametrize(
    ("variables", "arguments", "named"),
    [
        ({"PORT": "70000"}, [], "PORT: Input should be less than or equal to 65535"),
        ({"GATEWAY_PORT": "70000"}, [], "GATEWAY_PORT: "),
        ({"PORT": "70000", "GATEWAY_PORT": ""}, [], "PORT: "),
        ({"PORT": "8080"}, ["--port", "70000"], "--port: "),
        ({"PORT": "tcp://10.0.0.7:8080"}, [], "PORT: .*enableServiceLinks"),
        ({"GATEWAY_PORT": "tcp://10.0.0.7:8080"}, [], "GATEWAY_PORT: .*enableServiceLinks"),
        ({"GATEWAY_MAX_PIXELS": "many"}, [], "GATEWAY_MAX_PIXELS: "),
        ({"GATEWAY_CORS_ORIGINS": "bins.example"}, [], "GATEWAY_CORS_ORIGINS: "),
    ],
)
def test_wrong_settings_are_called_as_they_were_given(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], arguments: list[str], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"a setting is wrong. {named}"):
        command.main(arguments)


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
