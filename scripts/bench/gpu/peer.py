"""The plain way that the project is measured against: FastAPI, Pillow and the eager network in one process.

    python -m scripts.bench.gpu.peer --port 9000 --device cuda

What most people write first: the photo is decoded and resized by Pillow in a thread of FastAPI's pool, the network runs
on it alone, on the GPU where there is one. Same weights, same preprocessing, same answer as the service.
"""

import argparse
from typing import Annotated

import torch
import uvicorn
from fastapi import FastAPI, File, HTTPException

from training.classes import read_classes
from training.export import load_served_network
from training.model_types import NETWORK_MODELS
from training.preprocessing import decode, normalise, resize
from training.specification import load_specification


def create_peer(device: torch.device) -> FastAPI:
    """Return the service with both networks on ``device``."""
    app = FastAPI()
    classes, specification = read_classes(), load_specification()
    networks = {model_type: load_served_network(model_type)[0].to(device) for model_type in NETWORK_MODELS}

    @app.post("/{model_type}/predict")
    def predict(model_type: str, file: Annotated[bytes, File()]) -> dict[str, object]:
        if model_type not in networks:
            raise HTTPException(404)
        pixels = resize(decode(file), specification.size)[None].to(device)
        with torch.inference_mode():
            probabilities = networks[model_type](normalise(pixels, specification))[0].tolist()
        answer = dict(zip(classes, probabilities, strict=True))
        return {"pred_class": max(answer, key=answer.__getitem__), "classes": answer}

    @app.get("/health/ready")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def main() -> None:
    """Serve on the loopback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    app = create_peer(torch.device(given.device))
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
