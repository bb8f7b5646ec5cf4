"""OpenVINO in FastAPI, a worker for each core: at its own defaults, or tuned.

``bin-it-right dev benchmark`` starts it.

OpenVINO takes bfloat16 by itself where the CPU has it. At its defaults every worker has a thread for each core; tuned,
a worker has one thread, which may run on any core. The networks are converted into ``build/benchmarks`` once.
"""

from collections.abc import Mapping
from typing import Any

import openvino as ov
from fastapi import FastAPI, UploadFile

from embedded_triton.backends.pytorch.conversion import InputSpecification
from embedded_triton.backends.pytorch.converted_models import ConvertedModels
from embedded_triton.install.cpu import choose_precision
from scripts.benchmarks.baselines.command import serve
from scripts.benchmarks.baselines.pixels import read_pixels
from scripts.benchmarks.baselines.prediction import as_prediction
from training.dataset.classes import MODEL_REPOSITORY, REPOSITORY_ROOT, read_classes
from training.dataset.specification import load_specification
from training.models.model_types import NETWORK_MODELS

FOLDER = REPOSITORY_ROOT / "build" / "benchmarks" / "openvino"


def convert(model_type: str, size: int) -> Any:
    """Return the exported network as a model of OpenVINO for one photo at a time; it is converted only once."""
    path = MODEL_REPOSITORY / NETWORK_MODELS[model_type] / "1" / "model.pt"
    return ConvertedModels(FOLDER, print).load(path, [InputSpecification("UINT8", (3, size, size))])


def load(model_type: str, size: int, options: Mapping[str, Any]) -> Any:
    """Load the exported network, compiled with these options of OpenVINO."""
    return ov.Core().compile_model(convert(model_type, size), "CPU", dict(options))


def create(options: Mapping[str, Any] | None = None) -> FastAPI:
    """Return the service with both networks, compiled with these options of OpenVINO."""
    app = FastAPI()
    classes, size = read_classes(), load_specification().size
    networks = {model_type: load(model_type, size, options or {}) for model_type in NETWORK_MODELS}

    @app.post("/{model_type}/predict")
    async def predict(model_type: str, file: UploadFile) -> dict[str, Any]:
        pixels = read_pixels(await file.read(), size).contiguous().numpy()
        return as_prediction(classes, networks[model_type](pixels)[0][0].tolist())

    return app


def tuned_options() -> dict[str, Any]:
    """Return OpenVINO's options for one thread that may run on any core, in bfloat16 where the CPU multiplies it."""
    precision, _ = choose_precision("auto")
    return {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": {"float32": ov.Type.f32, "bfloat16": ov.Type.bf16}[precision],
    }


def create_tuned() -> FastAPI:
    """Return the service with one thread for each network."""
    return create(tuned_options())


def main() -> None:
    """Convert, then serve."""
    # Before there are workers: each of them would convert by itself.
    for model_type in NETWORK_MODELS:
        convert(model_type, load_specification().size)
    serve("scripts.benchmarks.baselines.openvino", variants=["tuned"])


if __name__ == "__main__":
    main()
