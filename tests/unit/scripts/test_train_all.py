"""The one command that trains everything, with a Python and a driver that only note what they are asked."""

import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHON = """#!/usr/bin/env bash
echo "$*" >> "$NOTES"
if [[ $* == *"--model raw"* && ${SLOW:-} ]]; then echo $$ > "$SLOW"; exec sleep 60; fi
[[ $* != *"$FAILS"* ]] && exit
for ((n = 0; n < 200; n++)); do [[ -z ${SLOW:-} || -s $SLOW ]] && break; sleep 0.05; done
exit 1
"""


def run(tmp_path: Path, *arguments: str, gpu: bool, **variables: str) -> subprocess.Popen[bytes]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").write_text(PYTHON)
    (folder / "nvidia-smi").write_text(f"#!/usr/bin/env bash\nexit {0 if gpu else 1}\n")
    for program in folder.iterdir():
        program.chmod(0o755)
    chosen = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHON": str(folder / "python"),
        "NOTES": str(tmp_path / "notes"),
    }
    chosen |= {"RUNS": str(tmp_path / "runs"), "FAILS": "nothing fails"}
    return subprocess.Popen([ROOT / "scripts" / "train_all.sh", *arguments], env=os.environ | chosen | variables)


def notes(tmp_path: Path) -> list[str]:
    path = tmp_path / "notes"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("gpu", [False, True])
def test_everything_is_trained_by_the_recipes_for_the_machine(tmp_path: Path, gpu: bool) -> None:
    assert run(tmp_path, "photos", "web.parquet", "general.parquet", gpu=gpu).wait(30) == 0
    suffix = "_gpu" if gpu else ""
    general, pretrained, raw = (
        [line for line in notes(tmp_path) if f"--recipe {name}{suffix} " in line]
        for name in ("general", "pretrained_taught" if gpu else "pretrained", "raw")
    )
    assert [len(lines) for lines in (general, pretrained, raw)] == [1, 1, 1]
    assert f"--init {tmp_path}/runs/general/best.safetensors " in pretrained[0]
    assert "--extra web.parquet --resume" in pretrained[0]
    assert "--extra web.parquet" in raw[0]
    assert notes(tmp_path).index(general[0]) < notes(tmp_path).index(pretrained[0])
    assert (tmp_path / "runs" / "raw.log").exists() == gpu
    rounds = [line for line in notes(tmp_path) if "--model raw" in line][1:]
    before = ("raw", "raw_second", "raw_third", "raw_fourth")
    assert len(rounds) == (0 if gpu else len(before))
    for line, name in zip(rounds, before, strict=False):
        assert f"--init {tmp_path}/runs/{name}/best.safetensors --extra web.parquet --resume" in line
    taught = [line for line in notes(tmp_path) if "--teacher" in line]
    assert taught == notes(tmp_path)[len(notes(tmp_path)) - len(taught) :]
    assert len(taught) == (1 if gpu else 2)
    teacher = "raw" if gpu else "raw_fifth"
    for line, name in zip(taught, ("general",) if gpu else ("pretrained", "pretrained_second"), strict=True):
        assert f"--init {tmp_path}/runs/{name}/best.safetensors" in line
        assert f"--teacher {tmp_path}/runs/{teacher}/best.safetensors --extra web.parquet --resume" in line


@pytest.mark.parametrize("gpu", [False, True])
def test_what_starts_from_imagenet_needs_no_teacher(tmp_path: Path, gpu: bool) -> None:
    assert run(tmp_path, "photos", gpu=gpu).wait(30) == 0
    assert "--init imagenet" in " ".join(notes(tmp_path))
    assert [line for line in notes(tmp_path) if "--model raw" in line]
    assert not [line for line in notes(tmp_path) if "--teacher" in line]


def test_a_failed_raw_teaches_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "photos", "web.parquet", "general.parquet", gpu=True, FAILS="--model raw").wait(30) != 0
    assert not [line for line in notes(tmp_path) if "--teacher" in line]


def test_a_failed_raw_beside_the_other_fails_the_whole(tmp_path: Path) -> None:
    assert run(tmp_path, "photos", gpu=True, FAILS="--model raw").wait(30) != 0
    assert any("--init imagenet" in line for line in notes(tmp_path))


def test_nothing_trains_on_when_the_other_fails(tmp_path: Path) -> None:
    number = tmp_path / "pid"
    process = run(tmp_path, "photos", gpu=True, FAILS="--model pretrained", SLOW=str(number))
    assert process.wait(30) == 1
    for _ in range(100):
        if number.exists() and not Path("/proc", number.read_text().strip()).exists():
            break
        time.sleep(0.05)
    else:
        pytest.fail("raw trains on")
