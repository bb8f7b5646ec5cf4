"""Weights and the state of a run on disk."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from training.atomic_write import write_atomically


def save_weights(network: nn.Module, path: Path, *, half: bool = False) -> None:
    """Write the state dict as safetensors; ``half`` stores the floating-point tensors in 16 bits."""
    state = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    write_atomically(path, lambda temporary: save_file(state, temporary))


def load_weights(network: nn.Module, path: Path) -> None:
    """Load weights of every layer into ``network``, in its own precision.

    Raises:
        ValueError: the file is broken or belongs to another network or other classes.
    """
    try:
        state = load_file(path)
        network.load_state_dict(
            {name: tensor.to(torch.float32) if tensor.is_floating_point() else tensor for name, tensor in state.items()}
        )
    except (SafetensorError, RuntimeError) as exc:
        raise ValueError(f"{path} does not hold the weights of this network: {exc}") from exc


def save_run(path: Path, state: dict[str, Any]) -> None:
    """Write everything that a run needs to go on where it was."""
    write_atomically(path, lambda temporary: torch.save(state, temporary))


def load_run(path: Path) -> dict[str, Any]:
    """Read what ``save_run`` wrote."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
