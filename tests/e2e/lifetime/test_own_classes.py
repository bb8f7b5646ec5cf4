"""Other classes than the project's: two toy classes are drawn, trained, exported into another folder and served.

Every step is the command that a person would type; nothing of the project's own repository is touched.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.own_classes import CLASSES, PHOTOS, command, draw, served, train_and_export

# The first test waits for the training, which is slow on a machine that does other things too.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

RECIPE = """\
batch_size = 8
learning_rate = 0.05
mixed_precision = false
ema = 0.9
[[stages]]
epochs = 3
size = 64
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, a class file and a specification of its own, trained and exported."""
    for tool in ("pytriton", "torch", "sklearn"):
        pytest.importorskip(tool, reason=f"{tool} is not installed: `make dev` installs it")
    folder = tmp_path_factory.mktemp("own")
    printed = train_and_export(folder, RECIPE)
    assert f"wrote {folder}/repository/raw_cnn/1/model.pt" in printed
    again = ("export", "--model-repository", folder / "repository", "--weights", folder / "weights")
    assert command("scripts.cli.main", *again) == ""
    return folder


@pytest.fixture(scope="module")
def url(own: Path) -> Iterator[str]:
    """The service on these classes, as `bin-it-right serve` starts it."""
    with served(own) as base:
        yield base


@pytest.mark.parametrize("label", CLASSES)
def test_new_pictures_are_told_apart(url: str, label: str, tmp_path: Path) -> None:
    for seed in range(1000, 1010):
        path = tmp_path / f"{seed}.png"
        draw(label, seed).save(path)
        answer = httpx.post(f"{url}/raw/predict", files={"file": path.read_bytes()}, timeout=60).json()
        assert list(answer["classes"]) == list(CLASSES)
        assert answer["pred_class"] == label


def test_service_says_what_it_serves(url: str, own: Path) -> None:
    (model,) = httpx.get(f"{url}/models").json()["models"]
    assert (model["name"], model["classes"], model["explains"]) == ("raw", list(CLASSES), True)
    assert model["metrics"]["test"]["accuracy"] > 0.9
    assert httpx.post(f"{url}/pretrained/predict", files={"file": b"x"}).status_code == 404
    assert f"{url.replace('127.0.0.1', 'localhost')}/raw/predict" in (own / "printed.txt").read_text()


def test_command_line_follows(url: str, own: Path) -> None:
    printed = command("scripts.cli.main", "classify", own / "photos", "--server", url, "--model", "raw")
    answers = [json.loads(line) for line in printed.splitlines()]
    assert len(answers) == PHOTOS * len(CLASSES)
    right = sum(answer["pred_class"] == Path(answer["file"]).parent.name for answer in answers)
    assert right >= 0.9 * len(answers)
