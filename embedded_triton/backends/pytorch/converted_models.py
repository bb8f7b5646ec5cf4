"""Keeps converted models in a folder, so that a later start needs neither PyTorch nor the conversion.

An image brings the folder along, for its root file system is read-only:

    python -m embedded_triton.backends.pytorch.converted_models model_repository FOLDER
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openvino as ov

from embedded_triton.backends.pytorch.conversion import InputSpecification, convert

#: Entries that are kept; the ones that were written first go.
_MOST_ENTRIES = 8
#: Begins the names of folders in which a model is being converted, and the seconds after which none is any more.
_UNFINISHED, _LONGEST_CONVERSION = ".converting-", 3600
_MODEL, _WEIGHTS, _DIGEST = "model.xml", "model.bin", "sha256"


class ConvertedModels:
    """Models of OpenVINO by the digest of the TorchScript file that they were converted from."""

    def __init__(self, folder: Path | None, warn: Callable[[str], None]) -> None:
        """Take the folder.

        Args:
            folder: is made where it does not exist, for this user alone; None keeps nothing.
            warn: is called with a sentence where the folder cannot be used.
        """
        self._folder = folder
        self._warn = warn

    def load(self, module: Path, inputs: Sequence[InputSpecification]) -> Any:
        """Return the converted module: as it was kept, or converted now and kept.

        Args:
            module: the TorchScript file.
            inputs: what it takes.

        Raises:
            RuntimeError: the file is no TorchScript module, or cannot be converted.
        """
        folder = self._usable_folder()
        entry = folder / _key(module, inputs) if folder else None
        if entry and (model := self._read(entry)):
            return model
        elsewhere = Path(tempfile.gettempdir())
        for place in (folder, elsewhere) if folder else (elsewhere,):
            try:
                return self._convert(module, inputs, place, entry if place == folder else None)
            except OSError as exc:
                self._warn(f"The model cannot be converted in {place}: {exc}")
        self._warn("The model is converted in this process, which holds PyTorch from now on")
        return convert(module, inputs)

    def _convert(self, module: Path, inputs: Sequence[InputSpecification], place: Path, entry: Path | None) -> Any:
        """Convert in a folder within ``place``, and keep the result as ``entry`` where one is given."""
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=place) as temporary:
            converted = Path(temporary, "entry")
            converted.mkdir()
            _convert_elsewhere(module, converted / _MODEL, inputs)
            (converted / _DIGEST).write_text(_digest(converted), encoding="ascii")
            # The weights stay mapped into memory, also after the file has gone.
            model = ov.Core().read_model(converted / _MODEL)
            if entry:
                self._keep(converted, entry)
            return model

    def _usable_folder(self) -> Path | None:
        if self._folder is None:
            return None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._folder.stat()
        except OSError as exc:
            self._warn(f"Converted models are not kept: {exc}")
            return None
        if found.st_uid not in {os.getuid(), 0} or found.st_mode & 0o022:
            self._warn(f"Converted models are not kept: others may write to {self._folder}")
            return None
        return self._folder

    def _read(self, entry: Path) -> Any:
        """Return the kept model; None where there is none, or where it is damaged."""
        try:
            if (entry / _DIGEST).read_text(encoding="ascii") == _digest(entry):
                return ov.Core().read_model(entry / _MODEL)
            self._warn(f"{entry} is damaged: the model is converted again")
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError, ValueError) as exc:
            self._warn(f"{entry} cannot be read, the model is converted again: {exc}")
        return None

    def _keep(self, converted: Path, entry: Path) -> None:
        shutil.rmtree(entry, ignore_errors=True)
        try:
            converted.rename(entry)
        except OSError as exc:
            # Another instance of the same network was faster, or the folder cannot be written.
            if not (entry / _DIGEST).exists():
                self._warn(f"The converted model is not kept: {exc}")
            return
        entries = sorted(entry.parent.glob("[!.]*"), key=lambda path: path.stat().st_mtime)
        for old in [*entries[:-_MOST_ENTRIES], *_abandoned(entry.parent)]:
            shutil.rmtree(old, ignore_errors=True)


def _abandoned(folder: Path) -> list[Path]:
    """Return what conversions left behind that were killed."""
    begun_before = time.time() - _LONGEST_CONVERSION
    return [path for path in folder.glob(f"{_UNFINISHED}*") if path.stat().st_mtime < begun_before]


def _key(module: Path, inputs: Sequence[InputSpecification]) -> str:
    with module.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps([ov.get_version(), *inputs]).encode())
    return digest.hexdigest()


def _digest(entry: Path) -> str:
    digest = hashlib.sha256()
    for name in (_MODEL, _WEIGHTS):
        with (entry / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _convert_elsewhere(module: Path, destination: Path, inputs: Sequence[InputSpecification]) -> None:
    """Convert in a process of its own.

    Raises:
        OSError: there is no such process, or it could not write.
        RuntimeError: the file cannot be converted.
    """
    program = "embedded_triton.backends.pytorch.conversion"
    command = [sys.executable, "-m", program, str(module), str(destination), json.dumps(inputs)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0 and destination.exists():
        return
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    # Out of space, it fails while it writes; then what this process reads says so.
    if shutil.disk_usage(destination.parent).free < 2 * module.stat().st_size:
        raise OSError(f"no space left in {destination.parent}: {last}")
    raise RuntimeError(f"{module} cannot be converted: {last}")


def convert_repository(model_repository: Path, folder: Path) -> None:
    """Convert every network of a model repository into a folder.

    Raises:
        RuntimeError: one cannot be converted, or be kept.
    """
    from google.protobuf import text_format
    from tritonclient.grpc import model_config_pb2

    def refuse(reason: str) -> None:
        raise RuntimeError(reason)

    types = model_config_pb2.DataType
    for file in sorted(model_repository.glob("*/config.pbtxt")):
        config = text_format.Parse(file.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
        if config.backend == "pytorch":
            inputs = [
                InputSpecification(types.Name(each.data_type).removeprefix("TYPE_"), tuple(each.dims))
                for each in config.input
            ]
            ConvertedModels(folder, refuse).load(file.parent / "1" / "model.pt", inputs)


if __name__ == "__main__":
    convert_repository(*map(Path, sys.argv[1:]))
