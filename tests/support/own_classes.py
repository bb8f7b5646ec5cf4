"""Two toy classes of one's own: drawn, trained, exported and served by the commands that a person would type."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image, ImageDraw

from embedded_triton.launch import free_ports
from embedded_triton.process.program import Program
from tests.support.plain_process import ROOT
from tests.support.toy_repository import write_own_repository

CLASSES = ("ball", "stick")
PHOTOS = 40  # of each class


def draw(label: str, seed: int) -> Image.Image:
    """A red ball or a blue stick somewhere on grey."""
    random = np.random.default_rng(seed)
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


def train_and_export(folder: Path, recipe: str, *options: object) -> str:
    """Draw photos, train `raw` on them by the text of a recipe, and export it into a repository; all in ``folder``.

    Returns:
        What the export printed.
    """
    photos, repository = folder / "photos", folder / "repository"
    for label in CLASSES:
        (photos / label).mkdir(parents=True)
        for number in range(PHOTOS):
            draw(label, number).save(photos / label / f"{label}{number}.jpg")
    write_own_repository(repository, CLASSES)
    recipe_file = folder / "recipe.toml"
    recipe_file.write_text(recipe)

    cli, for_repository = "scripts.cli.main", ("--model-repository", repository)
    command(cli, "data", "split", photos)
    command(cli, "train", photos, folder / "run", "--recipe", recipe_file, *options, *for_repository)
    command(cli, "evaluate", folder / "run", photos, *for_repository, "--output", folder / "candidate")
    command(cli, "promote", "raw", "--candidate", folder / "candidate", "--weights", folder / "weights")
    return command(cli, "export", *for_repository, "--weights", folder / "weights")


@contextmanager
def served(own: Path, **variables: str) -> Iterator[str]:
    """Serve what ``train_and_export`` left, as `bin-it-right serve` starts it; yield the address."""
    port, *triton_ports = free_ports(4)
    names = ("GRPC_PORT", "HTTP_PORT", "METRICS_PORT")
    ports = {f"EMBEDDED_TRITON_{name}": str(number) for name, number in zip(names, triton_ports, strict=True)}
    settings = {
        "EMBEDDED_TRITON_MODEL_REPOSITORY": str(own / "repository"),
        "EMBEDDED_TRITON_SHARED_MEMORY_PREFIX": f"test-own-{os.getpid()}",
        **variables,
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
