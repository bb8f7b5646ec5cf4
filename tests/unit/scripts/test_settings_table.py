"""The document's tables of settings are made from the settings classes."""

from pathlib import Path

import pytest
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from scripts.sections import put_section
from scripts.settings_table import DOCUMENT, main, put_tables, render_table


class Example(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    host: str = Field("127.0.0.1", description="Where.")
    port: int = Field(80, ge=1, le=9, validation_alias=AliasChoices("EXAMPLE_PORT", "PORT"), description="Which.")
    room: int = Field(3 * 1024 * 1024, gt=0, description="How much.")
    names: tuple[str, ...] = Field(("a", "b"), description="A | B.")
    cache: Path | None = Field(default_factory=Path.home, description="Cache.")
    folder: Path | None = Field(None, description="None, dns:///x:8001 or http://x:4317.")


def test_a_row_says_variable_default_bounds_and_consequence() -> None:
    assert render_table(Example).splitlines()[2:] == [
        "| `EXAMPLE_HOST` | `127.0.0.1` | Where. |",
        "| `PORT` | `80`; at least 1, at most 9 | Which. |",
        "| `EXAMPLE_ROOM` | `3145728` (3 MiB); over 0 | How much. |",
        "| `EXAMPLE_NAMES` | `a,b` | A \\| B. |",
        "| `EXAMPLE_CACHE` | by the machine | Cache. |",
        "| `EXAMPLE_FOLDER` | none | None, `dns:///x:8001` or `http://x:4317`. |",
    ]


def test_only_what_stands_between_the_markers_changes() -> None:
    text = "before\n<!-- x:begin -->\nold\n<!-- x:end -->\nafter\n"
    assert put_section(text, "x", "a \\1") == "before\n<!-- x:begin -->\n\na \\1\n\n<!-- x:end -->\nafter\n"


@pytest.mark.parametrize("text", ["", "<!-- x:begin -->", "<!-- x:end --><!-- x:begin -->"])
def test_a_text_without_its_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        put_section(text, "x", "")


def test_the_command_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "configuration.md"
    document.write_text("nothing")
    assert main(["--document", str(document)]) == 1
    assert "settings:begin" in capsys.readouterr().err
    sections = ("settings", "triton-settings")
    document.write_text("".join(f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in sections))
    assert main(["--document", str(document), "--check"]) == 1
    assert main(["--document", str(document)]) == 0
    assert main(["--document", str(document), "--check"]) == 0
    assert "`TRITON_URL`" in document.read_text()


def test_the_tables_of_the_document_are_those_of_the_settings() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert put_tables(text) == text, "run bin-it-right dev settings-table"
