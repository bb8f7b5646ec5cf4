"""`bin-it-right classify` and photos that are called as nobody should call a file."""

import os
import re
from pathlib import Path

import pytest

from tests.unit.scripts.cli.fakes import FakeGateway, refusing
from tests.unit.scripts.cli.test_classify import run


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_file_names_may_be_anything(folder: Path, url: str, tmp_path: Path, suffix: str) -> None:
    """Names that are not UTF-8 ended a run; a carriage return began a row, and was asked about again."""
    photo = (folder / "a.jpg").read_bytes()
    for name in (b"\xff\xe9.jpg", b"esc\x1b[31m.jpg", b"cr\rx.jpg", b"lf\nx.jpg", "Tüte 🗑.jpg".encode()):
        (folder / os.fsdecode(name)).write_bytes(photo)
    output = tmp_path / f"answers.{suffix}"
    result = run(folder, "--server", url, "--output", output)
    assert result.exit_code == 0, result.output
    text = output.read_text("utf-8")
    assert not re.search(r"[^\n\x20-\x7eü🗑]", text)
    assert len(text.splitlines()) == 8 + (suffix == "csv")
    again = run(folder, "--server", url, "--output", output, "--resume")
    assert "0 answered, 8 answered before" in again.stderr
    assert output.read_text("utf-8") == text


def test_names_do_not_reach_a_terminal_as_they_are(folder: Path, url: str, gateway: FakeGateway) -> None:
    name = os.fsdecode(b"\xff\x1b[31m.jpg")
    (folder / name).write_bytes(b"no photo")
    gateway.answer = refusing(415)
    result = run(folder / name, "--server", url, "--format", "table")
    assert r"\xff\x1b[31m.jpg" in result.stderr
    assert r"\xff\x1b[31m.jpg" in result.stdout
    for named in (name, folder / name / "below", f"{folder}/{name}*no"):
        assert "\x1b[31m" not in run(named, "--server", url).output
