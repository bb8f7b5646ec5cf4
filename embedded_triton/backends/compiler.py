"""Compiles the C of a backend for the processor that it runs on, by Zig's C compiler, which is a Python package.

``prepare_backend_folder`` lays this file beside each backend's ``model.py``.
"""

import ctypes
import importlib.util
import os
import subprocess
import tempfile
from pathlib import Path

_SECONDS = 60.0


class CompilerError(Exception):
    """There is no such code on this machine."""


def compile_c(source: Path, *options: str, processor: str = "native") -> ctypes.CDLL:
    """Compile a C file, and load it.

    Args:
        source: the file; it needs nothing but what every process has, as ``memcpy``.
        options: of the compiler, beside those for speed.
        processor: the kind of processor, by the name that LLVM gives it.

    Raises:
        CompilerError: there is no compiler, or it failed.
    """
    package = importlib.util.find_spec("ziglang")
    if package is None or not package.submodule_search_locations:
        raise CompilerError("the package ziglang is not installed")
    try:
        with tempfile.TemporaryDirectory(prefix=f"{source.stem}-") as folder:
            library = Path(folder, source.stem).with_suffix(".so")
            compiler = [str(Path(package.submodule_search_locations[0], "zig")), "cc"]
            common = ["-O3", f"-march={processor}", "-fPIC", "-shared", "-nostdlib"]
            command = [*compiler, *common, *options, str(source), "-o", str(library)]
            environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
            subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=True)
            return ctypes.CDLL(str(library))
    except subprocess.CalledProcessError as error:
        raise CompilerError(f"the compiler failed: {error.stderr.strip()[-500:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompilerError(f"{source.name} can not be compiled: {error}") from error
