"""The contract, by curl and by httpx, against the real server."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway
from tests.support.running_triton import ROOT, RunningTriton

pytestmark = pytest.mark.e2e
CLASSES = (ROOT / "model_repository" / "labels.txt").read_text().split()


@pytest.mark.parametrize("model_type", ["raw", "pretrained"])
@pytest.mark.parametrize(("suffix", "format"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_the_curl_line(gateway: RunningGateway, tmp_path: Path, model_type: str, suffix: str, format: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    photo = tmp_path / f"photo.{suffix}"
    photo.write_bytes(encode(bottle(), format))
    line = ["curl", "-sS", "-X", "POST", f"{gateway.url}/{model_type}/predict", "-H", "accept: application/json"]
    done = subprocess.run(
        [*line, "-F", f"file=@{photo};type=image/{format.lower()}"], check=True, capture_output=True, timeout=60
    )
    answer = json.loads(done.stdout)
    assert list(answer) == ["pred_class", "classes"]
    assert list(answer["classes"]) == CLASSES
    assert sum(answer["classes"].values()) == pytest.approx(1, abs=1e-3)
    assert answer["pred_class"] == max(answer["classes"], key=answer["classes"].get)


def test_headers_of_an_answer(client: httpx.Client) -> None:
    response = client.post("/raw/predict", files={"file": encode(bottle(), "PNG")}, headers={"X-Request-ID": "e2e-1"})
    assert response.headers["x-request-id"] == "e2e-1"
    assert response.headers["x-model-version"].startswith("1")
    assert [part.split(";")[0] for part in response.headers["server-timing"].split(", ")] == [
        "validate",
        "triton",
        "total",
    ]


def test_ready_names_both_models(client: httpx.Client) -> None:
    assert client.get("/health/ready").json() == {"status": "ready", "models": ["raw", "pretrained"]}


def test_decoder_finds_what_structure_does_not_show(client: httpx.Client) -> None:
    """The chain of chunks is whole, the pixels are not: only Triton's decoder can say so."""
    broken = bytearray(encode(bottle(), "PNG"))
    middle = broken.index(b"IDAT") + 40
    broken[middle : middle + 200] = bytes(200)
    response = client.post("/raw/predict", files={"file": bytes(broken)})
    assert response.status_code == 422, response.text
    assert response.json()["title"] == "Broken image"


def test_answers_are_those_of_triton_itself(client: httpx.Client, triton: RunningTriton) -> None:
    import numpy as np
    import tritonclient.grpc as grpc

    photo = encode(bottle(), "PNG")
    answer = client.post("/pretrained/predict", files={"file": photo}).json()
    with grpc.InferenceServerClient(triton.grpc_url) as server:
        tensor = grpc.InferInput("IMAGE", [1, len(photo)], "UINT8")
        tensor.set_data_from_numpy(np.frombuffer(photo, np.uint8).reshape(1, -1))
        expected = server.infer("pretrained", [tensor]).as_numpy("PROBABILITIES")[0]
    assert list(answer["classes"].values()) == pytest.approx(expected.tolist(), abs=1e-6)
