"""What computing in bfloat16 costs, by OpenVINO as the embedded server uses it on a CPU."""

import importlib.util
import os
import warnings
from collections.abc import Mapping
from unittest.mock import patch

import torch
from torch import nn

from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.evaluate.metrics import eight_metrics
from training.evaluate.predictions import Predictions
from training.evaluate.report_types import PrecisionReport
from training.train.precision import has_bfloat16


def report_bfloat16(
    network: nn.Module, predictions: Mapping[str, Predictions], specification: Specification
) -> dict[str, PrecisionReport] | None:
    """Ask the network in bfloat16 about every split.

    Args:
        network: the trained network in eval mode.
        predictions: what it said in float32, by split.
        specification: how images are normalised.

    Returns:
        What it says by split; None where this CPU does not multiply bfloat16 itself, or OpenVINO is not installed.
    """
    if not has_bfloat16(torch.device("cpu")) or importlib.util.find_spec("openvino") is None:
        return None
    import openvino as ov

    size = specification.size
    example = torch.zeros(1, 3, size, size)
    # ``CI`` keeps OpenVINO's conversion from reporting to Intel.
    with torch.inference_mode(), warnings.catch_warnings(), patch.dict(os.environ, {"CI": "true"}):
        warnings.simplefilter("ignore")  # TorchScript is in maintenance, and every torch.jit call says so
        traced = torch.jit.trace(network, example)  # type: ignore[no-untyped-call]
        model = ov.convert_model(traced, example_input=example)
    model.reshape([-1, 3, size, size])
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.bf16})
    reports = {}
    for name, said in predictions.items():
        chunks = torch.split(said.photos.pixels, 16)
        logits = [torch.from_numpy(compiled([normalise(chunk, specification).numpy()])[0]) for chunk in chunks]
        chosen = torch.cat(logits).argmax(dim=1)
        values = eight_metrics(said.labels, chosen.numpy())
        reports[name] = PrecisionReport(
            accuracy=values["accuracy"],
            balanced_accuracy=values["balanced_accuracy"],
            changed=int((chosen != said.logits.argmax(dim=1)).sum()),
        )
    return reports
