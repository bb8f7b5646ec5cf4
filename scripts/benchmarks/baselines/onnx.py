"""ONNX Runtime in FastAPI, tuned: all graph optimisations, a worker of one thread for each core.

``bin-it-right dev benchmark`` starts it.

The networks are converted from the released weights into ``build/benchmarks`` before anything is served. In float32
only: on x86 its CPU provider has no convolution in bfloat16.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from fastapi import FastAPI, UploadFile

from scripts.benchmarks.baselines.command import serve
from scripts.benchmarks.baselines.pixels import Preprocessing
from scripts.benchmarks.baselines.prediction import as_prediction
from training.dataset.classes import REPOSITORY_ROOT, read_classes
from training.dataset.specification import load_specification
from training.evaluate.released import load_released
from training.export.torchscript import torchscript_warnings_ignored
from training.models.model_types import NETWORK_MODELS

FOLDER = REPOSITORY_ROOT / "build" / "benchmarks"


def convert(model_type: str, path: Path, size: int) -> None:
    """Write the network as ONNX, with any batch size."""
    network, _ = load_released(model_type)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torchscript_warnings_ignored():
        # The newer exporter wants onnxscript and gives the same graph; this one says that it is old, in many ways.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, size, size),),
            str(path),
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_axes={"images": {0: "batch"}, "probabilities": {0: "batch"}},
            dynamo=False,
        )


def create() -> FastAPI:
    """Return the service with both networks."""
    app = FastAPI()
    classes, preprocessing = read_classes(), Preprocessing(load_specification())
    torch.set_num_threads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    sessions = {
        model_type: onnxruntime.InferenceSession(
            str(FOLDER / f"{model_type}.onnx"), options, providers=["CPUExecutionProvider"]
        )
        for model_type in NETWORK_MODELS
    }

    @app.post("/{model_type}/predict")
    async def predict(model_type: str, file: UploadFile) -> dict[str, Any]:
        pixels = preprocessing(await file.read()).contiguous().numpy()
        (probabilities,) = sessions[model_type].run(None, {"images": pixels})
        return as_prediction(classes, probabilities[0].tolist())

    return app


def main() -> None:
    """Convert, then serve."""
    size = load_specification().size
    for model_type in NETWORK_MODELS:
        print(f"converting {model_type}", file=sys.stderr)
        convert(model_type, FOLDER / f"{model_type}.onnx", size)
    serve("scripts.benchmarks.baselines.onnx")


if __name__ == "__main__":
    main()
