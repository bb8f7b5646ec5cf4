"""A network between two trained ones: the straight line between their weights.

Wortsman et al., 2022 (WiSE-FT, https://arxiv.org/abs/2109.01903): a network that was trained on new photos, moved part
of the way back to where it started, keeps most of what it knew and of what it learnt.
"""

import torch

from training.train.initialisation import State


def interpolate(old: State, new: State, share: float) -> State:
    """Return the weights that lie ``share`` (0 to 1) of the way from ``old`` to ``new``, in FP32.

    Means and variances of batch normalisation lie between too; counters are those of ``new``.

    Raises:
        ValueError: ``share`` is no share, or the two are not weights of the same network.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the way is between 0 and 1, not {share}")
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in (old, new)]
    if shapes[0] != shapes[1]:
        raise ValueError("the two files do not hold weights of the same network")
    return {
        name: torch.lerp(old[name].float(), tensor.float(), share) if tensor.is_floating_point() else tensor
        for name, tensor in new.items()
    }
