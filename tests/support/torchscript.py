"""TorchScript files for tests: written and read without its warnings, and with types."""

from pathlib import Path
from typing import cast

import torch
from torch import nn

from training.export.torchscript import torchscript_warnings_ignored


def write_traced(network: nn.Module, example: torch.Tensor, path: Path) -> Path:
    """Trace a network with an example of its input, write it to a file, and return the file."""
    with torchscript_warnings_ignored():
        traced = torch.jit.trace(network.eval(), example)  # type: ignore[no-untyped-call]
        torch.jit.save(cast(torch.jit.ScriptModule, traced), str(path))
    return path


def read_exported(path: Path) -> torch.jit.ScriptModule:
    """Read a module from a file."""
    with torchscript_warnings_ignored():
        return cast(torch.jit.ScriptModule, torch.jit.load(path))  # type: ignore[no-untyped-call]
