"""The exponential moving average of a network's weights, which is what a run validates and keeps."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class ExponentialMovingAverage(AveragedModel):
    """PyTorch's averaged model with an update that a GPU need not wait for.

    PyTorch's own copies its counter to the device at every step, and such a copy waits for all that is under way there.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Begin with a copy of ``network``; after that each update keeps ``decay`` of what was."""
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        super().__init__(network, multi_avg_fn=average, use_buffers=True)
        self._decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the network's parameters and buffers in."""
        if int(self.n_averaged) == 0:  # the counter is on the CPU
            super().update_parameters(model)
            return
        # By order, not by name: with several processes the network comes in a wrapper.
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        weights = [pair for pair in pairs if pair[0].is_floating_point()]
        counters = [pair for pair in pairs if not pair[0].is_floating_point()]
        torch._foreach_lerp_([ours for ours, _ in weights], [theirs for _, theirs in weights], 1 - self._decay)
        for ours, theirs in counters:
            ours.copy_(theirs)
        self.n_averaged += 1


def _tensors(module: nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]
