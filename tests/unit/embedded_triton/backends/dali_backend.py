"""Requests to the DALI backend, and what it has to answer."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.pictures import bottle, encode, with_orientation
from tests.unit.embedded_triton.backends.backend_loading import InferenceResponse, Tensor
from training.dataset.preprocessing import decode, resize
from training.dataset.specification import load_specification

PREPROCESS = Path(__file__).resolve().parents[4] / "model_repository" / "preprocess"
SPECIFICATION = load_specification()
GOOD = {
    "wide": encode(bottle(640, 90), "JPEG", quality=90),
    "tall": encode(bottle(77, 501), "PNG"),
    "small": encode(bottle(16, 16), "WEBP", lossless=True),
    "turned": with_orientation(bottle(333, 222), 6),
    "grey": encode(bottle(200, 100).convert("L"), "JPEG"),
    "strip": encode(bottle(2000, 1), "BMP"),
    "dot": encode(bottle(16, 16).resize((1, 1)), "PNG"),
}
BAD = {"truncated": GOOD["wide"][:400], "no image": b"no image at all", "half a PNG": GOOD["tall"][:-200]}


def arguments(folder: Path, **config: Any) -> dict[str, str]:
    model_config = {
        "max_batch_size": 16,
        "input": [{"name": "IMAGE"}],
        "output": [{"name": "PIXELS", "dims": [3, SPECIFICATION.size, SPECIFICATION.size]}],
        "parameters": {},
        **config,
    }
    return {
        "model_config": json.dumps(model_config),
        "model_repository": str(folder),
        "model_version": "1",
        "model_instance_kind": "CPU",
        "model_instance_device_id": "0",
    }


def request(*files: bytes) -> dict[str, Tensor]:
    """One request; files of one request have one length, as in any tensor."""
    return {"IMAGE": Tensor("IMAGE", np.stack([np.frombuffer(file, np.uint8) for file in files]))}


def pixels(response: InferenceResponse) -> np.ndarray[Any, Any]:
    assert response.error is None
    (tensor,) = response.output_tensors
    assert tensor.name == "PIXELS"
    values: np.ndarray[Any, Any] = tensor.array()
    return values


def expected(file: bytes) -> np.ndarray[Any, Any]:
    return resize(decode(file), SPECIFICATION.size)[None].numpy()


def levels(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """By how many levels of 255 two images differ, everywhere."""
    difference: np.ndarray[Any, Any] = np.abs(one.astype(int) - other)
    return difference


def batches_module() -> Any:
    """The module of batches that belongs to the backend that was loaded last."""
    return sys.modules["embedded_triton.backends.dali.batches"]
