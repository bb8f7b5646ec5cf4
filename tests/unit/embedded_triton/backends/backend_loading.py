"""Loads a Python-based backend with stand-ins for what only Triton's stub provides."""

import importlib
import math
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.dlpack import from_dlpack

#: Kinds of device in DLPack.
CPU, CUDA = 1, 2
#: Triton's flag of a request's last answer.
FINAL = 1


class Tensor:
    """A tensor by name that offers DLPack; ``as_numpy`` is broken under numpy 2, so it is not there at all."""

    def __init__(self, name: str, data: Any) -> None:
        self.name = name
        self._data = data

    @classmethod
    def from_dlpack(cls, name: str, data: Any) -> "Tensor":
        shared = from_dlpack(data)  # a capsule, or what knows DLPack; PyTorch takes those of CPUs and of CUDA
        # The stub compares every stride, of dimensions of one element too.
        assert list(shared.stride()) == [math.prod(shared.shape[axis + 1 :]) for axis in range(shared.ndim)]
        return cls(name, shared)

    def __dlpack__(self, **options: Any) -> Any:
        return self._data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._data.__dlpack_device__()

    def array(self) -> np.ndarray[Any, Any]:
        """Return the values, for assertions."""
        if self.__dlpack_device__()[0] == CPU:
            return np.from_dlpack(self)
        values: np.ndarray[Any, Any] = from_dlpack(self._data).cpu().numpy()
        return values


class TritonError(Exception):
    """An error for one request, with its status."""

    INVALID_ARG = "INVALID_ARG"

    def __init__(self, message: str, status: str = "INTERNAL") -> None:
        super().__init__(message)
        self.status = status


class InferenceResponse:
    """Either tensors or an error."""

    def __init__(self, output_tensors: list[Tensor] | None = None, error: TritonError | None = None) -> None:
        self.output_tensors = output_tensors or []
        self.error = error


class Logger:
    """Triton's log."""

    def __init__(self) -> None:
        self.infos: list[str] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.log_info, self.log_warn, self.log_error = self.infos.append, self.warnings.append, self.errors.append


class TritonModelException(Exception):  # noqa: N818 - Triton's name
    """The model cannot be loaded."""


def load_backend(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the backend of that name afresh."""
    utils = ModuleType("triton_python_backend_utils")
    for each in (Tensor, TritonError, InferenceResponse, TritonModelException):
        setattr(utils, each.__name__, each)
    utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL = FINAL  # type: ignore[attr-defined]
    utils.Logger = Logger()  # type: ignore[attr-defined]
    utils.get_input_tensor_by_name = lambda request, tensor: request[tensor]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, utils.__name__, utils)
    module = f"embedded_triton.backends.{name}.backend"
    monkeypatch.delitem(sys.modules, module, raising=False)
    # A backend has a process of its own, and may take Pillow's limit away there.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    return importlib.import_module(module)
