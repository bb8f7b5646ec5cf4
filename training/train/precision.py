"""What a device computes with."""

import torch


def has_bfloat16(device: torch.device) -> bool:
    """Say whether the device multiplies bfloat16 itself: oneDNN's emulation on other CPUs is 13 times slower."""
    if device.type != "cpu":
        return True
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def mixed_precision(device: torch.device, *, wanted: bool) -> torch.autocast:
    """Return the context in which layers compute in bfloat16, where that is wanted and the device can."""
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and has_bfloat16(device))
