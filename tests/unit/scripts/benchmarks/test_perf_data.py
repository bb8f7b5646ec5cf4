"""Photos as perf_analyzer reads them."""

import base64
import json
from pathlib import Path

import pytest

from scripts.benchmarks.load.perf_data import main


def test_each_file_is_a_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.jpg").write_bytes(b"second")
    (tmp_path / "a.jpg").write_bytes(b"first")
    assert main([str(tmp_path)]) == 0
    entries = [entry["IMAGE"] for entry in json.loads(capsys.readouterr().out)["data"]]
    assert [base64.b64decode(entry["b64"]) for entry in entries] == [b"first", b"second"]
    assert [entry["shape"] for entry in entries] == [[5], [6]]


@pytest.mark.parametrize("name", ["", "missing"])
def test_no_photos_are_a_sentence(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / name)]) == 1
    assert "no photo" in capsys.readouterr().err
