"""The one command that trains everything, with a Python and a driver that only note what they are asked."""

import os
import subprocess
from pathlib import Path

import pytest

from training.train.recipes import load_recipe

ROOT = Path(__file__).resolve().parents[3]
PYTHON = """#!/usr/bin/env bash
echo "$*" >> "$NOTES"
[[ $* != *"$FAILS"* ]]
"""


def run(tmp_path: Path, *arguments: str, gpu: bool = False, fails: str = "nothing fails") -> int:
    """Run the script and return its exit status."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").write_text(PYTHON)
    (folder / "nvidia-smi").write_text(f"#!/usr/bin/env bash\nexit {0 if gpu else 1}\n")
    for program in folder.iterdir():
        program.chmod(0o755)
    chosen = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": str(folder / "python"), "FAILS": fails}
    chosen |= {"RUNS": str(tmp_path / "runs"), "NOTES": str(tmp_path / "notes")}
    script = [str(ROOT / "scripts" / "train_all.sh"), *arguments]
    return subprocess.run(script, env=os.environ | chosen, timeout=30).returncode


def notes(tmp_path: Path) -> list[str]:
    return (tmp_path / "notes").read_text().splitlines()


def recipes(tmp_path: Path) -> list[str]:
    return [line.split("--recipe ")[1].split()[0] for line in notes(tmp_path) if "--recipe " in line]


@pytest.fixture
def places(tmp_path: Path) -> Path:
    folder = tmp_path / "places"
    folder.mkdir()
    for name in ("bin", "street", "outdoors"):
        (folder / f"{name}.parquet").touch()
    return folder


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        (False, ["raw", "raw_restart", "raw_restart_large", "raw_restart_larger", "general", "pretrained"]),
        (True, ["raw_gpu", "raw_full_size_gpu", "general_gpu", "pretrained_gpu"]),
    ],
)
def test_everything_is_trained_by_the_recipes_for_the_machine(
    tmp_path: Path, places: Path, gpu: bool, expected: list[str]
) -> None:
    photos = ("photos", "web.parquet", "general.parquet", str(places), "outdoors", "bin")
    assert run(tmp_path, *photos, gpu=gpu) == 0
    raw_on_places = ["raw_places", "raw_places_finish", "raw_places_taught", "raw_last_layer_places"]
    assert recipes(tmp_path) == [*expected, *raw_on_places, "pretrained_places", "last_layer_places"]
    for recipe in recipes(tmp_path):
        load_recipe(recipe)
    *_, between, taught, second, last, pretrained, last_pretrained = notes(tmp_path)
    runs = tmp_path / "runs"
    last_raw = runs / next(name for name in reversed(expected) if name.startswith("raw")) / "best.safetensors"
    start = runs / "raw_places_taught" / "start.safetensors"
    trained = runs / "raw_places_finish" / "best.safetensors"
    assert between.endswith(f"dev interpolate-weights {last_raw} {trained} {start} --share 0.6")
    assert f"--init {start}" in taught
    assert f"--teacher {last_raw} --resume" in taught
    before = runs / "raw_before_last_layer.safetensors"
    assert second.endswith(f"{trained} {runs}/raw_places_taught/best.safetensors {before} --share 0.7")
    assert f"--init {before}" in last
    for option in ("init", "teacher"):
        assert f"--{option} {runs}/pretrained/best.safetensors" in pretrained
    assert f"--init {runs}/pretrained_places/best.safetensors" in last_pretrained
    for line in (taught, last, pretrained, last_pretrained):
        assert f"--extra web.parquet --extra {places}/street.parquet --general general.parquet" in line


def test_places_to_choose_by_are_for_the_last_layers_alone(
    tmp_path: Path, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHOOSE_BY", "street bin")
    assert run(tmp_path, "photos", "web.parquet", "general.parquet", str(places), "outdoors") == 0
    trained = [line.split("--recipe ")[1] for line in notes(tmp_path) if "--recipe " in line]
    learns = {line.split()[0]: "street.parquet" in line for line in trained}
    assert learns == {name: "last_layer" in name for name in recipes(tmp_path)}


def test_without_general_pictures_it_starts_from_imagenet(tmp_path: Path) -> None:
    assert run(tmp_path, "photos") == 0
    assert recipes(tmp_path)[-1] == "pretrained"
    assert "--init imagenet --resume" in notes(tmp_path)[-1]


def test_nothing_is_trained_after_a_failure(tmp_path: Path, places: Path) -> None:
    assert run(tmp_path, "photos", "", "", str(places), fails="--recipe raw_restart ") != 0
    assert recipes(tmp_path) == ["raw", "raw_restart"]
