"""`bin-it-right classify` against a server that answers as the test wants."""

import csv
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from typer.testing import CliRunner, Result

from scripts.cli.main import app
from tests.unit.scripts.cli.fakes import CLASSES, GLASS, FakeGateway, not_sure, refusing, sure


def run(*words: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["classify", *map(str, words)], input=stdin)


def words_of(result: Result) -> str:
    """What was said on standard error, without the frame that breaks its lines."""
    return " ".join(result.stderr.replace("│", " ").split())


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def names(text: str) -> list[str]:
    return [Path(record["file"]).name for record in records(text)]


def test_folder_in_a_pipe_gives_json_lines_in_the_order_of_names(folder: Path, url: str) -> None:
    result = run(folder, "--server", url)
    assert result.exit_code == 0, result.output
    assert names(result.stdout) == ["a.jpg", "c.webp", "b.PNG"]
    assert (
        records(result.stdout)[0] == {"file": str(folder / "a.jpg"), "model": "pretrained", "not_sure": False} | GLASS
    )
    assert "3 answered" in result.stderr
    assert "glass" in result.stderr


def test_files_globs_and_standard_input(folder: Path, url: str, gateway: FakeGateway) -> None:
    photo = (folder / "a.jpg").read_bytes()
    gateway.answer = lambda content: sure(content) if content == photo else refusing(415)(content)
    result = run(folder / "notes.txt", f"{folder}/a*", "-", "--server", url, "--model", "raw", stdin=photo)
    assert names(result.stdout) == ["notes.txt", "a.jpg", "-"]
    assert [record.get("pred_class") for record in records(result.stdout)] == [None, "glass", "glass"]
    assert gateway.asked == ["raw"] * 3


def test_failures_are_listed_counted_and_set_the_exit_status(folder: Path, url: str, gateway: FakeGateway) -> None:
    gateway.first = [refusing(422)]
    result = run(folder, "--server", url, "--concurrency", 1)
    assert result.exit_code == 1
    error = records(result.stdout)[0]["error"]
    assert error == {"status": 422, "title": "Title of 422", "detail": "What to do about 422."}
    assert "2 answered, 1 without an answer" in result.stderr
    assert "a.jpg: What to do about 422." in result.stderr


def test_csv_has_a_column_for_each_class(folder: Path, url: str, gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.first = [not_sure, refusing(415)]
    output = tmp_path / "answers.csv"
    run(folder, "--server", url, "--output", output, "--concurrency", 1)
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert list(rows[0]) == ["file", "model", "pred_class", "not_sure", "glass", "metal", "error"]
    assert [row["pred_class"] for row in rows] == ["glass", "", "glass"]
    assert (rows[0]["not_sure"], rows[0]["glass"], rows[2]["not_sure"]) == ("true", "0.75", "false")
    assert rows[1]["error"].startswith("Title of 415")


def test_table_says_what_is_not_sure(folder: Path, url: str, gateway: FakeGateway) -> None:
    gateway.first = [not_sure, refusing(415)]
    result = run(folder, "--server", url, "--format", "table", "--concurrency", 1)
    first, second, third = result.stdout.splitlines()
    assert first.split() == ["glass", "75.0%", "pretrained", str(folder / "a.jpg"), "not", "sure"]
    assert second.startswith("no answer")
    assert second.endswith("Title of 415")
    assert third.endswith("b.PNG")


@pytest.mark.parametrize("output_format", ["jsonl", "csv"])
def test_resume_asks_for_what_is_missing_failed_or_cut_off(
    folder: Path, url: str, gateway: FakeGateway, tmp_path: Path, output_format: str
) -> None:
    output = tmp_path / f"answers.{output_format}"
    words = (folder, "--server", url, "--output", output, "--concurrency", 1)
    gateway.first = [sure, refusing(422)]
    assert run(*words).exit_code == 1
    output.write_bytes(output.read_bytes()[:-10])  # the third answer was being written
    gateway.asked.clear()
    result = run(*words, "--resume")
    assert result.exit_code == 0, result.output
    assert len(gateway.asked) == 2
    assert "1 answered before" in result.stderr
    text = output.read_text()
    files = names(text) if output_format == "jsonl" else [Path(row[0]).name for row in csv.reader(io.StringIO(text))]
    assert sorted(files) == ["a.jpg", "b.PNG", "c.webp", *([] if output_format == "jsonl" else ["file"])]
    assert not run(*words, "--resume").exit_code
    assert output.read_text() == text


@pytest.mark.parametrize("status", [408, 429, 503, 504])
def test_a_busy_server_is_asked_again(folder: Path, url: str, gateway: FakeGateway, status: int) -> None:
    gateway.first = [refusing(status, {"Retry-After": "0"})] * 2
    result = run(folder / "a.jpg", "--server", url)
    assert (result.exit_code, len(gateway.asked)) == (0, 3)


def test_patience_ends(folder: Path, url: str, gateway: FakeGateway) -> None:
    gateway.answer = refusing(503, {"Retry-After": "1"})
    result = run(folder / "a.jpg", "--server", url, "--patience", 0)
    assert result.exit_code == 1
    assert records(result.stdout)[0]["error"]["status"] == 503
    assert len(gateway.asked) == 1


def test_the_concurrency_is_no_higher_than_asked_for(tmp_path: Path, url: str, gateway: FakeGateway) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.jpg").write_bytes(b"photo")
    result = run(tmp_path, "--server", url, "--concurrency", 3)
    assert names(result.stdout) == [f"{number:02}.jpg" for number in range(40)]
    assert 1 <= gateway.highest_concurrency <= 3


def test_answers_keep_their_order_when_an_early_photo_takes_longer(
    tmp_path: Path, url: str, gateway: FakeGateway
) -> None:
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(b"%d" % number)
    refused: list[bytes] = []

    def later(content: bytes) -> Response:
        if content == b"0" and len(refused) < 3:
            refused.append(content)
            return refusing(429, {"Retry-After": "0"})(content)
        return sure(content)

    gateway.answer = later
    assert names(run(tmp_path, "--server", url, "--concurrency", 5).stdout) == [f"{number}.jpg" for number in range(5)]
    assert len(refused) == 3


@pytest.mark.parametrize("status", [401, 404])
def test_what_every_photo_would_be_refused_for_ends_the_run(
    folder: Path, url: str, gateway: FakeGateway, status: int
) -> None:
    gateway.answer = refusing(status)
    result = run(folder, "--server", url, "--concurrency", 1)
    assert result.exit_code == 3
    assert f"What to do about {status}." in result.stderr
    assert len(gateway.asked) <= 2


class Vanishing(BaseHTTPRequestHandler):
    """Answers one photo and closes every later connection without a word."""

    protocol_version = "HTTP/1.1"
    answered = False

    def do_GET(self) -> None:
        models = [{"name": "raw", "ready": True, "classes": CLASSES, "metrics": {}}]
        self._send({"models": models, "limits": {"max_batch_files": 32, "max_batch_body_bytes": 1 << 20}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if Vanishing.answered:
            self.close_connection = True
        else:
            Vanishing.answered = True
            self._send(GLASS)

    def _send(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_server_that_goes_away_ends_the_run_and_keeps_the_answers(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.jsonl"
    with ThreadingHTTPServer(("127.0.0.1", 0), Vanishing) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        result = run(folder, "--server", url, "--output", output, "--concurrency", 1, "--patience", 0)
        server.shutdown()
    assert result.exit_code == 3
    assert "No server answers" in result.stderr
    assert names(output.read_text()) == ["a.jpg"]


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "localhost:8080", "ftp://localhost", "http://"])
def test_no_server(folder: Path, server: str) -> None:
    result = run(folder, "--server", server)
    assert result.exit_code == 3
    assert server in result.stderr


def test_unknown_model_names_the_known(folder: Path, url: str) -> None:
    result = run(folder, "--server", url, "--model", "resnet")
    assert result.exit_code == 2
    assert "there are raw, pretrained" in words_of(result)


@pytest.mark.parametrize("best", ["raw", "pretrained"])
def test_best_model_by_its_card_answers_where_none_is_named(
    folder: Path, url: str, gateway: FakeGateway, best: str
) -> None:
    gateway.accuracies[best] = 0.95
    run(folder / "a.jpg", "--server", url)
    assert gateway.asked == [best]


def test_server_that_has_just_started_is_waited_for(folder: Path, url: str, gateway: FakeGateway) -> None:
    gateway.starting_for = 2
    result = run(folder, "--server", url, "--format", "csv")
    assert result.stdout.splitlines()[0] == "file,model,pred_class,not_sure,glass,metal,error"
    gateway.starting_for, gateway.asked_for_models = 1000, 0
    result = run(folder, "--server", url, "--patience", 0)
    assert result.exit_code == 3
    assert "has no answer of pretrained yet" in result.stderr


def test_api_key_from_option_or_environment(
    folder: Path, url: str, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, "--server", url, "--api-key", "secret")
    assert gateway.keys == {"secret"}
    monkeypatch.setenv("BIN_IT_RIGHT_API_KEY", "other")
    monkeypatch.setenv("BIN_IT_RIGHT_SERVER", url)
    run(folder)
    assert gateway.keys == {"secret", "other"}


def test_folder_without_photos(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "no photos" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["missing.jpg"], "no file or folder"),
        (["missing*.jpg"], "Nothing matches"),
        (["-", "--resume"], "--output"),
        (["-", "--resume", "--output", "x", "--format", "table"], "resumed"),
        (["-", "--output", "answers.xlsx"], "neither .csv nor .jsonl"),
        (["-", "--output", "answers.xlsx", "--format", "csv"], "neither .csv nor .jsonl"),
        (["-", "--output", "answers.csv", "--format", "jsonl"], "is for csv"),
        (["-", "--output", "missing/answers.csv"], "no folder for"),
        ([], "name photos or their folder, or a folder to --watch"),
    ],
)
def test_wrong_usage(words: list[str], says: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert says in words_of(result)


def test_output_that_cannot_be_written_is_wrong_usage(folder: Path, url: str) -> None:
    result = run(folder, "--server", url, "--output", "/sys/answers.csv", "--resume")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_full_disk_ends_the_run_with_a_sentence(folder: Path, url: str, tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").symlink_to("/dev/full")
    result = run(folder, "--server", url, "--output", tmp_path / "answers.jsonl")
    assert result.exit_code == 2
    assert "No space left" in result.stderr


def test_output_of_something_else_is_not_overwritten(folder: Path, url: str, tmp_path: Path) -> None:
    output = tmp_path / "letter.txt"
    output.write_text("Dear reader,\n")
    assert run(folder, "--server", url, "--output", output, "--resume").exit_code == 2
    assert output.read_text() == "Dear reader,\n"
    assert list(tmp_path.glob(".*")) == []


def test_files_that_no_photo_can_be(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.cli.classify.photos.MAX_BYTES", 10)
    result = run(folder / "a.jpg", "--server", url)
    assert result.exit_code == 1
    assert records(result.stdout)[0]["error"]["title"] == "Not readable"
