"""Small tensors on their way to the device."""

import torch


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return ``tensor`` on ``device`` without waiting for the work that is under way there.

    A copy to a GPU from ordinary memory waits until everything queued before it is done; from page-locked memory it
    takes its place in the queue. The random numbers of the augmentation go this way, ten small tensors a step.
    """
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
