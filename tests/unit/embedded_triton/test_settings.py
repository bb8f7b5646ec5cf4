"""Settings from the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from embedded_triton.settings import Settings, describe_invalid


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"EMBEDDED_TRITON_{name.upper()}", "")
    assert Settings() == Settings.model_construct()


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EMBEDDED_TRITON_MODEL_REPOSITORY", "~/models")
    monkeypatch.setenv("EMBEDDED_TRITON_CACHE_FOLDER", "~/cache")
    assert Settings().model_repository == tmp_path / "models"
    assert Settings().cache_folder == tmp_path / "cache"


def test_a_home_folder_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_TRITON_MODEL_REPOSITORY", "~nobody-of-this-name/models")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert describe_invalid(caught.value).startswith("EMBEDDED_TRITON_MODEL_REPOSITORY: Value error, Could not")


def test_a_wrong_value_is_a_sentence_with_the_name_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_TRITON_GRPC_PORT", "70000")
    monkeypatch.setenv("EMBEDDED_TRITON_MPS", "perhaps")
    with pytest.raises(ValidationError) as caught:
        Settings()
    sentence = describe_invalid(caught.value)
    assert "EMBEDDED_TRITON_GRPC_PORT: Input should be less than or equal to 65535 (it is '70000')." in sentence
    assert "EMBEDDED_TRITON_MPS: " in sentence
