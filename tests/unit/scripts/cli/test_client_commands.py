"""`classify`, `explain` and `models` against the real gateway, in front of a fake Triton."""

import csv
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from PIL import Image
from typer.testing import CliRunner, Result

from scripts.cli.main import app
from tests.support.fake_triton import LABELS, QUEUE_FULL, FakeTriton
from tests.support.gateway_on_fake_triton import ServedGateway, gateway_on_fake_triton
from tests.support.pictures import bottle, encode

ROOT = Path(__file__).resolve().parents[4]
PHOTO, OTHER = encode(bottle(), "JPEG"), encode(bottle(80, 60), "JPEG")


@pytest.fixture(autouse=True, scope="module")
def _quiet_gateway() -> Iterator[None]:
    """Its log would go where the command line writes its answers: both are in this process."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module")
def served() -> Iterator[ServedGateway]:
    triton = FakeTriton()
    with gateway_on_fake_triton(triton) as served:
        yield served


def run(served: ServedGateway, command: str, *words: object) -> Result:
    return CliRunner().invoke(app, [command, "--server", served.url, *map(str, words)])


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_several_models_answer_side_by_side(served: ServedGateway, folder: Path, tmp_path: Path) -> None:
    words = folder, "--model", "raw", "--model", "pretrained", "--model", "raw"
    result = run(served, "classify", *words)
    assert result.exit_code == 0, result.output
    found = [(Path(each["file"]).name, each["model"]) for each in records(result.stdout)]
    assert found == [(name, model) for name in ("a.jpg", "c.webp", "b.PNG") for model in ("raw", "pretrained")]
    assert "the models agree about 3 of 3 photos" in result.stderr
    assert [line.split()[:2] for line in result.stderr.splitlines()[1:3]] == [["raw", "metal"], ["pretrained", "metal"]]
    table = run(served, "classify", *words, "--format", "table").stdout.splitlines()
    assert [line.split()[2] for line in table] == ["raw", "pretrained"] * 3


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_resume_asks_a_photo_again_that_lacks_a_model(
    served: ServedGateway, folder: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"answers.{suffix}"
    words = folder, "--output", output, "--resume"
    assert run(served, "classify", *words, "--model", "raw").exit_code == 0
    lines = output.read_text().splitlines(keepends=True)
    result = run(served, "classify", *words, "--model", "raw", "--model", "pretrained")
    assert "3 answered in" in result.stderr
    text = output.read_text()
    rows = list(csv.DictReader(io.StringIO(text))) if suffix == "csv" else records(text)
    assert sorted((Path(row["file"]).name, row["model"]) for row in rows) == sorted(
        (name, model) for name in ("a.jpg", "c.webp", "b.PNG") for model in ("raw", "pretrained")
    )
    assert "3 answered before" in run(served, "classify", *words, "--model", "pretrained").stderr
    # The lines of raw stay when pretrained alone is asked again.
    output.write_text("".join(lines))
    run(served, "classify", *words, "--model", "pretrained")
    assert output.read_text().startswith("".join(lines))


@pytest.mark.parametrize(("threshold", "not_sure"), [(0.5, False), (0.7, True), (1, True), (0, False)])
def test_threshold_decides_what_is_not_sure(
    served: ServedGateway, folder: Path, threshold: float, not_sure: bool
) -> None:
    (record,) = records(run(served, "classify", folder / "a.jpg", "--threshold", threshold).stdout)
    assert record["not_sure"] is not_sure
    assert run(served, "classify", folder, "--threshold", 2).exit_code == 2


@pytest.mark.parametrize("link", [False, True])
def test_photos_are_sorted_and_none_is_overwritten(
    served: ServedGateway, folder: Path, tmp_path: Path, link: bool
) -> None:
    into = folder / "sorted"  # below the photos: what lies there is no photo to ask about
    (folder / "more" / "a.jpg").write_bytes(OTHER)
    (folder / "more" / "same").mkdir()
    (folder / "more" / "same" / "a.jpg").write_bytes(PHOTO)
    (into / "metal").mkdir(parents=True)
    (into / "metal" / "b.PNG").write_bytes(b"somebody's")
    (folder / "broken.jpg").write_bytes(PHOTO[:-100])
    words = folder, "--sort-into", into, *(["--link"] if link else [])
    for _ in range(2):  # a second time changes nothing
        result = run(served, "classify", *words)
        assert result.exit_code == 1
        assert "5 answered, 1 without an answer" in result.stderr
        names = sorted(str(path.relative_to(into)) for path in into.rglob("*") if path.is_file())
        assert names == ["metal/a-2.jpg", "metal/a.jpg", "metal/b-2.PNG", "metal/b.PNG", "metal/c.webp"]
        assert (into / "metal" / "b.PNG").read_bytes() == b"somebody's"
        assert {(into / "metal" / name).read_bytes() for name in ("a.jpg", "a-2.jpg")} == {PHOTO, OTHER}
    assert (into / "metal" / "c.webp").samefile(folder / "c.webp") is link


def test_photos_that_are_not_sure_lie_apart(served: ServedGateway, folder: Path, tmp_path: Path) -> None:
    result = run(served, "classify", folder, "--sort-into", tmp_path / "sorted", "--threshold", 0.7)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "sorted" / "not_sure").iterdir()) == ["a.jpg", "b.PNG", "c.webp"]


def test_class_that_is_no_name_is_no_folder(folder: Path, tmp_path: Path) -> None:
    triton = FakeTriton()
    triton.labels = (*LABELS[:4], "../../metal", LABELS[5])
    with gateway_on_fake_triton(triton) as served:
        result = run(served, "classify", folder, "--sort-into", tmp_path / "a" / "sorted")
    assert result.exit_code == 1
    assert "cannot be the name of a folder" in result.stderr
    assert not (tmp_path / "metal").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-", "--sort-into", "sorted"], "no name to be sorted by"),
        (["{folder}", "--link"], "needs --sort-into"),
        (["{folder}", "--sort-into", "{folder}/a.jpg"], "is no folder"),
        (["--watch", "{folder}/nothing"], "there is no folder"),
    ],
)
def test_wrong_usage(served: ServedGateway, folder: Path, words: list[str], says: str) -> None:
    result = run(served, "classify", *[word.format(folder=folder) for word in words])
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


class Running:
    """The command as a process of its own, to be interrupted."""

    def __init__(self, served: ServedGateway, output: Path, *words: object) -> None:
        # A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
        code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        code += "from scripts.cli.main import main; main()"
        options = ["classify", "--server", served.url, "--output", output, *words]
        self.output = output
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, options)], stderr=subprocess.PIPE, text=True, cwd=ROOT
        )

    def answered(self) -> list[str]:
        """The names of the files that are answered so far."""
        text = self.output.read_text() if self.output.exists() else ""
        return [Path(record["file"]).name for record in records(text)]

    def until_answered(self, *names: str) -> None:
        end = time.monotonic() + 120
        while sorted(self.answered()) != sorted(names):
            assert time.monotonic() < end, self.answered()
            assert self.process.poll() is None
            time.sleep(0.05)

    def interrupt(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=120)
        assert "Traceback" not in said, said
        return self.process.returncode, said


def test_watched_folder_answers_whole_photos_as_they_arrive(served: ServedGateway, tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    (incoming / "camera").mkdir(parents=True)
    (incoming / "earlier.jpg").write_bytes(PHOTO)
    running = Running(served, tmp_path / "answers.jsonl", "--watch", incoming, "--sort-into", incoming / "sorted")
    try:
        assert running.process.stderr is not None
        assert "Ctrl-C ends it" in running.process.stderr.readline()
        time.sleep(1)  # what came before the first look counts as earlier
        with (incoming / "slow.jpg").open("wb") as slow:
            slow.write(PHOTO[:1000])
            slow.flush()
            (incoming / "camera" / "first.jpg").write_bytes(PHOTO)
            (tmp_path / "second.jpg").write_bytes(OTHER)
            (tmp_path / "second.jpg").rename(incoming / "second.jpg")
            running.until_answered("first.jpg", "second.jpg")
            time.sleep(3)  # slow.jpg stays the same, and is open all the same
            assert sorted(running.answered()) == ["first.jpg", "second.jpg"]
            slow.write(PHOTO[1000:])
        running.until_answered("first.jpg", "second.jpg", "slow.jpg")
        time.sleep(2)
        status, said = running.interrupt()
    finally:
        running.process.kill()
    assert status == 0, said
    assert "3 answered" in said
    assert all("pred_class" in record for record in records((tmp_path / "answers.jsonl").read_text()))
    names = sorted(path.name for path in (incoming / "sorted" / "metal").iterdir())
    assert names == ["first.jpg", "second.jpg", "slow.jpg"]


def test_interruption_says_how_many_are_left(served: ServedGateway, tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.jpg").write_bytes(PHOTO)
    held: list[bytes] = []

    async def hold_from_the_third_on(photo: bytes, context: Any) -> None:
        held.extend([photo] if photo == PHOTO else [])  # the gateway's own question is another picture
        if len(held) > 2:
            await context.abort(*QUEUE_FULL)

    served.triton.behaviour = hold_from_the_third_on
    running = Running(
        served, tmp_path / "answers.csv", tmp_path, "--concurrency", 1, "--patience", 1000, "--model", "raw"
    )
    try:
        end = time.monotonic() + 120
        while len(held) < 4:
            assert time.monotonic() < end
            time.sleep(0.05)
        status, said = running.interrupt()
    finally:
        running.process.kill()
        served.triton.behaviour = None
    assert status == 130, said
    assert "48 left; --resume goes on" in said
    result = run(served, "classify", tmp_path, "--output", tmp_path / "answers.csv", "--resume", "--model", "raw")
    assert "48 answered, 2 answered before" in result.stderr


def test_explanation_is_written_and_never_over_another_file(
    served: ServedGateway, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(served, "explain", folder / "a.jpg", "--model", "raw")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "a-raw.png") as picture:
        assert picture.format == "PNG"
    assert "a-raw.png: where raw found signs of metal" in result.stderr
    assert run(served, "explain", folder / "a.jpg", "--model", "raw").exit_code == 2
    result = run(served, "explain", folder / "a.jpg", "--class", "glass", "--layer", "heat", "--output", "-")
    assert result.stdout_bytes.startswith(b"\x89PNG")
    assert run(served, "explain", folder / "a.jpg", "--output", "missing/a.png").exit_code == 2
    assert run(served, "explain", folder / "nothing.jpg").exit_code == 2
    assert run(served, "explain", folder / "a.jpg", "--model", "resnet").exit_code == 2
    result = run(served, "explain", folder / "a.jpg", "--class", "gold", "--output", "x.png")
    assert result.exit_code == 1
    assert "glass, paper" in result.stderr


def test_models_are_listed(served: ServedGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(served, "models")
    assert result.exit_code == 0, result.output
    raw, pretrained = records(result.stdout)
    assert (raw["name"], pretrained["name"], raw["classes"]) == ("raw", "pretrained", list(LABELS))
    assert raw["confidence_threshold"] == 0.55
    assert CliRunner().invoke(app, ["models", "--server", "http://127.0.0.1:9"]).exit_code == 3


def test_models_are_a_table_on_a_terminal(served: ServedGateway) -> None:
    terminal, process_side = os.openpty()
    command = [sys.executable, "-m", "scripts.cli.main", "models", "--server", served.url]
    subprocess.run(command, stdout=process_side, env=os.environ | {"COLUMNS": "200"}, cwd=ROOT, check=True)
    os.close(process_side)
    said = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert "accuracy, test split" in said
    assert "raw" in said
    assert "0.550" in said
