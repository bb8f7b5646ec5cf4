"""What a network starts from: nothing, ImageNet by torchvision, or a file."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

State = dict[str, Any]


def initial_state(choice: str | None) -> State | None:
    """Return the state dict that ``--init`` names: None for ``none``, torchvision's for ``imagenet``, else a file's.

    ``imagenet`` downloads ResNet-50's IMAGENET1K_V2 weights once and checks their hash. A file is safetensors or
    PyTorch's own: a state dict, or a dict with one under ``state_dict`` or ``model``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the download failed or does not have the hash that it should have.
    """
    if choice in (None, "none"):
        return None
    if choice == "imagenet":
        return _imagenet()
    path = Path(str(choice))
    if not path.exists():
        raise FileNotFoundError(f"--init takes imagenet, none or a file, and there is no file {path}")
    state: State
    if path.suffix == ".safetensors":
        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        nested = state.get(key)
        state = nested if isinstance(nested, dict) else state
    return state


def _imagenet() -> State:
    from torchvision.models import ResNet50_Weights

    weights = ResNet50_Weights.IMAGENET1K_V2
    try:
        return dict(weights.get_state_dict(progress=True, check_hash=True))
    except (OSError, RuntimeError) as exc:
        raise ValueError(
            f"the ImageNet weights could not be had from {weights.url}: {exc}. Fetch that file elsewhere and name it: "
            "--init FILE"
        ) from exc


def initialise(network: nn.Module, state: State) -> list[str]:
    """Load what fits into ``network`` and leave the rest (a head for other classes) as it is.

    Returns:
        The names of the parameters that stay random.

    Raises:
        ValueError: nothing of it fits.
    """
    own = network.state_dict()
    fitting = {name: tensor for name, tensor in state.items() if name in own and tensor.shape == own[name].shape}
    if not any(name.endswith("weight") for name in fitting):
        raise ValueError("the initial weights hold no tensor that fits this network")
    network.load_state_dict(fitting, strict=False)
    return [name for name, _ in network.named_parameters() if name not in fitting]
