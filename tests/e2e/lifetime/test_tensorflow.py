"""Trained in TensorFlow, answered by Triton: the service says of a photo what the Keras model says of it.

Every step is the command that a person would type. Keras answers in a process of its own, from its own variables as the
run stored them: nothing of what is compared went through the conversion on both sides.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.support.own_classes import CLASSES, draw, served, train_and_export
from tests.support.plain_process import ROOT
from training.evaluate.card import read_card

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None,
        reason="TensorFlow is not installed: `make train-cli model_provider=tensorflow` installs it",
    ),
]

RECIPE = """\
batch_size = 8
learning_rate = 0.02
mixed_precision = false
ema = 0.5
[[stages]]
epochs = 1
size = 64
"""
#: Logits by the stored Keras variables; arguments are the state of the run, the repository, and the photos.
KERAS = """\
import json, sys
from pathlib import Path
import torch
from training.dataset.classes import read_classes
from training.dataset.preprocessing import decode, normalise, resize
from training.dataset.specification import load_specification
from training.tensorflow.networks import build_keras
state, repository, *photos = map(Path, sys.argv[1:])
model = build_keras("raw", len(read_classes(repository)))
for variable, value in zip(model.weights, torch.load(state, weights_only=True)["averaged"], strict=True):
    variable.assign(value.numpy())
specification = load_specification(repository)
pixels = torch.stack([resize(decode(photo), specification.size) for photo in photos])
images = normalise(pixels, specification).permute(0, 2, 3, 1).contiguous().numpy()
print(json.dumps(model(images, training=False).numpy().tolist()))
"""


def test_triton_answers_as_keras_does(tmp_path: Path) -> None:
    for tool in ("pytriton", "torch", "sklearn"):
        pytest.importorskip(tool, reason=f"{tool} is not installed: `make dev` installs it")
    train_and_export(tmp_path, RECIPE, "--provider", "tensorflow")
    card = read_card("raw", tmp_path / "weights")
    assert card.training["provider"] == "tensorflow"

    photos = [tmp_path / f"{number}.png" for number in range(6)]
    for number, photo in enumerate(photos):
        draw(CLASSES[number % 2], 1000 + number).save(photo)
    words = map(str, (tmp_path / "run" / "last.pt", tmp_path / "repository", *photos))
    keras = subprocess.run([sys.executable, "-c", KERAS, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert keras.returncode == 0, keras.stderr
    scaled = np.exp(np.array(json.loads(keras.stdout)) / card.calibration.temperature)
    expected = scaled / scaled.sum(axis=1, keepdims=True)

    with served(tmp_path, EMBEDDED_TRITON_CPU_PRECISION="float32") as base:
        answers = [
            httpx.post(f"{base}/raw/predict", files={"file": photo.read_bytes()}, timeout=60).json()["classes"]
            for photo in photos
        ]
    assert {tuple(answer) for answer in answers} == {CLASSES}
    answered = np.array([list(answer.values()) for answer in answers])
    # Weights are stored in half precision.
    np.testing.assert_allclose(answered, expected, rtol=0, atol=0.005)
    assert np.ptp(answered[:, 0]) > 0.05
