"""`bin-it-right predict`: photos and folders of them, with the released weights."""

import json
from pathlib import Path

from typer.testing import CliRunner

from scripts.cli.main import app
from training.evaluate.card import WEIGHTS


def test_folder_gives_a_line_for_each_photo_in_it(folder: Path) -> None:
    result = CliRunner().invoke(app, ["predict", str(WEIGHTS / "raw.safetensors"), str(folder)])
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [Path(record["file"]).name for record in records] == ["a.jpg", "c.webp", "b.PNG"]
    assert set(records[0]) == {"file", "pred_class", "classes", "not_sure"}


def test_folder_without_photos_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["predict", str(WEIGHTS / "raw.safetensors"), str(tmp_path)])
    assert result.exit_code == 1
    assert f"there are no photos in {tmp_path}" in result.stderr


def test_broken_photos_are_named_after_all_answers(folder: Path) -> None:
    for name in ("a0.jpg", "zz.jpg"):
        (folder / name).write_bytes((folder / "a.jpg").read_bytes()[:200])
    result = CliRunner().invoke(app, ["predict", str(WEIGHTS / "raw.safetensors"), str(folder)])
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr.count("cannot be decoded") == 2
