"""The ancestor's way, tuned: TorchScript frozen and fused, channels-last, a worker of one thread for each core.

python -m scripts.bench.peers.tuned --port 9000
"""

from pathlib import Path
from typing import Any

import torch
from fastapi import FastAPI, UploadFile

from scripts.bench.peers.answers import as_answer
from scripts.bench.peers.command import cores, serve
from scripts.bench.peers.pixels import read_pixels
from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.specification import load_specification
from training.export.torchscript import torchscript_warnings_ignored
from training.models.model_types import NETWORK_MODELS


def load_frozen(model_type: str, model_repository: Path = MODEL_REPOSITORY) -> Any:
    """Load the exported network, frozen, and fused by oneDNN's graph, which the service uses too."""
    torch.jit.enable_onednn_fusion(True)
    path = model_repository / NETWORK_MODELS[model_type] / "1" / "model.pt"
    with torchscript_warnings_ignored():
        module = torch.jit.load(str(path)).eval().to(memory_format=torch.channels_last)  # type: ignore[no-untyped-call]
        return torch.jit.freeze(module)


def create() -> FastAPI:
    """Return the service with both networks."""
    torch.set_num_threads(1)
    app = FastAPI()
    classes, size = read_classes(), load_specification().size
    networks = {model_type: load_frozen(model_type) for model_type in NETWORK_MODELS}

    # In the event loop itself: with one thread a core, a pool of threads would only add switches between them.
    @app.post("/{model_type}/predict")
    async def predict(model_type: str, file: UploadFile) -> dict[str, Any]:
        pixels = read_pixels(await file.read(), size)
        with torch.inference_mode():
            probabilities = networks[model_type](pixels)[0][0]
        return as_answer(classes, probabilities.tolist())

    return app


if __name__ == "__main__":
    serve("scripts.bench.peers.tuned:create", workers=cores())
