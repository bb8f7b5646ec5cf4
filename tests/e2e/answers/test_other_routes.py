"""Models, batches, explanations and the command line against the real server."""

import io
import json
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import ALL, bottle, encode
from tests.support.running_gateway import RunningGateway
from tests.support.running_triton import ROOT, RunningTriton

pytestmark = pytest.mark.e2e

MODELS = ("raw", "pretrained")
PHOTO = encode(bottle(), "JPEG")


def test_models_as_triton_describes_them(client: httpx.Client, triton: RunningTriton) -> None:
    labels = (triton.model_repository / "labels.txt").read_text().split()
    for model in client.get("/models").json()["models"]:
        answer = client.post(f"/{model['name']}/predict", files={"file": PHOTO})
        assert (model["ready"], model["explains"], model["classes"]) == (True, True, labels)
        assert model["version"] == answer.headers["x-model-version"]


def test_batch_of_every_format_gives_the_answers_of_single_requests(client: httpx.Client) -> None:
    pictures = [draw(bottle()) for draw in ALL.values()] + [b"no picture"]
    files = [("file", picture) for picture in pictures[:32]]
    results = client.post("/raw/predict/batch", files=files).json()["results"]
    assert len(results) == len(files) >= 30
    for picture, result in zip(pictures, results, strict=False):
        single = client.post("/raw/predict", files={"file": picture})
        if single.status_code == 200:
            expected = single.json()["classes"]
            assert result["prediction"]["classes"] == pytest.approx(expected, abs=1e-3)
            assert result["not_sure"] == (single.headers.get("x-confidence") == "low")
        else:
            assert result["problem"]["status"] == single.status_code


def test_raw_bodies_and_lines_give_the_answers_of_forms(client: httpx.Client) -> None:
    form = client.post("/raw/predict", files={"file": PHOTO}).json()["classes"]
    raw = client.post("/raw/predict", content=PHOTO, headers={"Content-Type": "image/jpeg"})
    assert raw.json()["classes"] == pytest.approx(form, abs=1e-3)
    files = [("file", (f"{number}.jpg", PHOTO)) for number in range(20)]
    lines = client.post("/raw/predict/batch", files=files, headers={"Accept": "application/x-ndjson"}).text
    results = [json.loads(line) for line in lines.splitlines()]
    assert sorted(result["file"] for result in results) == sorted(name for _, (name, _) in files)
    for result in results:
        assert result["file"] == f"{result['index']}.jpg"
        assert result["prediction"]["classes"] == pytest.approx(form, abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_explanations_are_pictures_of_the_predicted_class(client: httpx.Client, model: str) -> None:
    predicted = client.post(f"/{model}/predict", files={"file": PHOTO})
    explained = client.post(f"/{model}/explain?layer=heat", files={"file": PHOTO})
    assert explained.status_code == 200, explained.text
    assert explained.headers["x-explained-class"] == predicted.json()["pred_class"]
    assert explained.headers["x-model-version"] == predicted.headers["x-model-version"]
    with Image.open(io.BytesIO(explained.content)) as picture:
        assert np.ptp(np.asarray(picture)[..., 3]) > 0


def test_broken_pictures_are_not_explained(client: httpx.Client) -> None:
    garbage = PHOTO[:600] + bytes(range(256)) * 2 + PHOTO[1200:]
    for picture, statuses in ((b"no picture", {415}), (PHOTO[:-300], {422}), (garbage, {200, 422})):
        assert client.post("/raw/explain", files={"file": picture}).status_code in statuses


def test_the_command_line_classifies_a_folder(gateway: RunningGateway, tmp_path: Path) -> None:
    for number, (name, draw) in enumerate(ALL.items()):
        suffix = name.split()[0].lower().replace("jpeg", "jpg")
        (tmp_path / f"{number:02}.{suffix}").write_bytes(draw(bottle()))
    words = ("classify", str(tmp_path), "--server", gateway.url, "--model", "raw")
    result = subprocess.run(
        [sys.executable, "-m", "scripts.cli.main", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [Path(answer["file"]).name for answer in answers] == sorted(path.name for path in tmp_path.iterdir())
    assert len(answers) == len(ALL)
    assert all(sum(answer["classes"].values()) == pytest.approx(1, abs=1e-3) for answer in answers)
