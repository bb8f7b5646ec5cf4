"""Hands NumPy arrays over to Triton's stub."""

import ctypes
from typing import Any

import numpy as np

_set_destructor = ctypes.pythonapi.PyCapsule_SetDestructor
_set_destructor.argtypes, _set_destructor.restype = [ctypes.py_object, ctypes.c_void_p], ctypes.c_int
_CPU = 1


class HostTensor:
    """An array as a DLPack producer that the stub of Triton 2.51 takes.

    The stub frees the tensor itself, but renames the capsule to ``used_dlpack`` where the protocol says
    ``used_dltensor``. NumPy's destructor of the capsule then prints a traceback for each tensor, so it is removed.
    """

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = np.ascontiguousarray(array)

    def __dlpack__(self, **_: Any) -> Any:
        """Return a capsule, whose tensor the caller has to free."""
        capsule = self._array.__dlpack__()
        _set_destructor(capsule, None)
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return DLPack's number of the host."""
        return _CPU, 0
