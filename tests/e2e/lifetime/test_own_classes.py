"""Other classes than the project's: two toy classes are drawn, trained, exported into another folder and served.

Every step is the command that a person would type; nothing of the project's own repository is touched.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy
import pytest
from PIL import Image, ImageDraw

from embedded_triton.launch import free_ports
from embedded_triton.process.program import Program
from tests.support.plain_process import ROOT
from tests.support.toy_repository import write_own_repository

# The first test waits for the training, which is slow on a machine that does other things too.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CLASSES = ("ball", "stick")
PHOTOS = 40  # of each class
RECIPE = """\
batch_size = 8
learning_rate = 0.05
mixed_precision = false
ema = 0.9
[[stages]]
epochs = 3
size = 64
"""


def draw(label: str, seed: int) -> Image.Image:
    """A red ball or a blue stick somewhere on grey."""
    random = numpy.random.default_rng(seed)
    picture = Image.new("RGB", (96, 80), tuple(random.integers(100, 160, 3).tolist()))
    x, y = int(random.integers(25, 65)), int(random.integers(25, 55))
    pen = ImageDraw.Draw(picture)
    if label == "ball":
        pen.ellipse((x - 18, y - 18, x + 18, y + 18), fill=(200, 40, 40))
    else:
        pen.rectangle((x - 22, y - 5, x + 22, y + 5), fill=(40, 60, 200))
    return picture


def command(*words: object) -> str:
    """Runs a command of the command line, and returns what it printed."""
    result = subprocess.run(
        [sys.executable, "-m", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, a class file and a specification of its own, trained and exported."""
    for tool in ("pytriton", "torch", "sklearn"):
        pytest.importorskip(tool, reason=f"{tool} is not installed: `make dev` installs it")
    folder = tmp_path_factory.mktemp("own")
    photos, repository = folder / "photos", folder / "repository"
    for label in CLASSES:
        (photos / label).mkdir(parents=True)
        for number in range(PHOTOS):
            draw(label, number).save(photos / label / f"{label}{number}.jpg")
    write_own_repository(repository, CLASSES)
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)

    cli, for_repository = "scripts.cli.main", ("--model-repository", repository)
    command(cli, "data", "split", photos)
    command(cli, "train", photos, folder / "run", "--recipe", recipe, *for_repository)
    command(cli, "evaluate", folder / "run", photos, *for_repository, "--output", folder / "candidate")
    command(cli, "promote", "raw", "--candidate", folder / "candidate", "--weights", folder / "weights")
    printed = command(cli, "export", *for_repository, "--weights", folder / "weights")
    assert f"wrote {repository}/raw_cnn/1/model.pt" in printed
    assert command(cli, "export", *for_repository, "--weights", folder / "weights") == ""
    return folder


@pytest.fixture(scope="module")
def url(own: Path) -> Iterator[str]:
    """The service on these classes, as `bin-it-right serve` starts it."""
    port, *triton_ports = free_ports(4)
    names = ("GRPC_PORT", "HTTP_PORT", "METRICS_PORT")
    ports = {f"EMBEDDED_TRITON_{name}": str(number) for name, number in zip(names, triton_ports, strict=True)}
    settings = {
        "EMBEDDED_TRITON_MODEL_REPOSITORY": str(own / "repository"),
        "EMBEDDED_TRITON_SHARED_MEMORY_PREFIX": f"test-own-{os.getpid()}",
    }
    words = ("serve", "--port", str(port), "--weights", str(own / "weights"), "--logs", str(own / "logs"))
    service = Program(
        [sys.executable, "-m", "scripts.cli.main", *words],
        log=own / "printed.txt",
        environment=os.environ | ports | settings,
    )
    base = f"http://127.0.0.1:{port}"
    with service:
        service.wait(lambda: answers(f"{base}/health/ready"))
        yield base
        assert service.stop() == 0


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


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
