"""TorchScript in FastAPI, tuned: frozen and fused, channels-last, a worker of one thread for each core.

``bin-it-right dev benchmark`` starts it.
"""

from pathlib import Path
from typing import Any

import torch
from fastapi import FastAPI, UploadFile

from scripts.benchmarks.baselines.command import serve
from scripts.benchmarks.baselines.pixels import read_pixels
from scripts.benchmarks.baselines.prediction import as_prediction
from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.specification import load_specification
from training.export.torchscript import torchscript_warnings_ignored
from training.models.model_types import NETWORK_MODELS


def load_frozen(model_type: str, dtype: torch.dtype = torch.float32, model_repository: Path = MODEL_REPOSITORY) -> Any:
    """Load the exported network in a precision, frozen, and fused by oneDNN's graph."""
    torch.jit.enable_onednn_fusion(True)
    path = model_repository / NETWORK_MODELS[model_type] / "1" / "model.pt"
    with torchscript_warnings_ignored():
        module = torch.jit.load(str(path)).eval()  # type: ignore[no-untyped-call]
        return torch.jit.freeze(module.to(dtype=dtype, memory_format=torch.channels_last))


def create(dtype: torch.dtype = torch.float32) -> FastAPI:
    """Return the service with both networks."""
    torch.set_num_threads(1)
    app = FastAPI()
    classes, size = read_classes(), load_specification().size
    networks = {model_type: load_frozen(model_type, dtype) for model_type in NETWORK_MODELS}

    # In the event loop itself: with one thread a core, a pool of threads would only add switches between them.
    @app.post("/{model_type}/predict")
    async def predict(model_type: str, file: UploadFile) -> dict[str, Any]:
        pixels = read_pixels(await file.read(), size)
        with torch.inference_mode():
            probabilities = networks[model_type](pixels)[0][0]
        return as_prediction(classes, probabilities.tolist())

    return app


def create_bfloat16() -> FastAPI:
    """Return the service with networks in bfloat16."""
    return create(torch.bfloat16)


if __name__ == "__main__":
    serve("scripts.benchmarks.baselines.torchscript", variants=["bfloat16"])
