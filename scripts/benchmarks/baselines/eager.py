"""The eager baseline: FastAPI, the eager network in the process, Pillow and torchvision, everything at its default.

``bin-it-right dev benchmark`` starts it.

What most people write first. FastAPI runs the handler in a thread of its pool, so several photos are decoded at once;
the network is on the GPU where there is one.
"""

import io
from typing import Annotated, Any

import torch
from fastapi import FastAPI, File
from PIL import Image
from torchvision.transforms import Compose, Normalize, Resize, ToTensor

from scripts.benchmarks.baselines.command import serve
from scripts.benchmarks.baselines.prediction import as_prediction
from training.dataset.classes import read_classes
from training.dataset.specification import load_specification
from training.evaluate.released import load_released
from training.models.model_types import NETWORK_MODELS


def create() -> FastAPI:
    """Return the service with both networks."""
    app = FastAPI()
    classes, specification = read_classes(), load_specification()
    size = specification.size
    transform = Compose([Resize((size, size)), ToTensor(), Normalize(specification.mean, specification.std)])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    networks = {model_type: load_released(model_type)[0].to(device) for model_type in NETWORK_MODELS}

    @app.post("/{model_type}/predict")
    def predict(model_type: str, file: Annotated[bytes, File()]) -> dict[str, Any]:
        image = Image.open(io.BytesIO(file)).convert("RGB")
        with torch.inference_mode():
            probabilities = networks[model_type](transform(image)[None].to(device))[0]
        return as_prediction(classes, probabilities.tolist())

    return app


if __name__ == "__main__":
    serve("scripts.benchmarks.baselines.eager", workers=1)
