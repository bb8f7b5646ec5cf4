"""Converts a TorchScript module to a model of OpenVINO.

That needs PyTorch, which takes 0.3 GB of a process for good. So ``converted_models`` runs this file as a program:

    python -m embedded_triton.backends.pytorch.conversion model.pt model.xml '[["UINT8", [3, 192, 192]]]'
"""

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class InputSpecification(NamedTuple):
    """One input of a network: Triton's name of its type, and its dimensions without the batch's."""

    data_type: str
    dims: tuple[int, ...]


def convert(module: Path, inputs: Sequence[InputSpecification]) -> Any:
    """Return the module as a model of OpenVINO that takes one photo: each input and output begins with a 1.

    Args:
        module: the TorchScript file.
        inputs: what it takes, in this order.
    """
    import openvino as ov
    import torch

    types = {"UINT8": torch.uint8, "INT32": torch.int32, "INT64": torch.int64, "FP16": torch.half, "FP32": torch.float}
    examples = tuple(torch.zeros(1, *each.dims, dtype=types[each.data_type]) for each in inputs)
    with warnings.catch_warnings(), _without_telemetry():
        # TorchScript is in maintenance, and every torch.jit call says so.
        warnings.simplefilter("ignore")
        network = torch.jit.load(str(module), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        model = ov.convert_model(network, example_input=examples)
    model.reshape({port: [1, *each.dims] for port, each in zip(model.inputs, inputs, strict=True)})
    return model


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Keep ``convert_model`` from reporting to Intel, which it does unless it is run by a build server."""
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before


def main(module: str, destination: str, inputs: str) -> None:
    """Write the converted module to a file, whose weights lie beside it with the suffix ``.bin``."""
    import openvino as ov

    specifications = [InputSpecification(data_type, tuple(dims)) for data_type, dims in json.loads(inputs)]
    ov.save_model(convert(Path(module), specifications), destination, compress_to_fp16=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
