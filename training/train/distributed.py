"""One process or several: what torchrun says in its environment, and the little that a run has to know of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Place:
    """Where this process stands among those of the run, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, items: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return this process's part; every process gets the same number."""
        whole = len(items) - len(items) % self.world
        return items[self.rank : whole : self.world]

    def wrap(self, network: nn.Module) -> nn.Module:
        """Let gradients be averaged over the processes, where there are several."""
        return nn.parallel.DistributedDataParallel(network) if self.world > 1 else network


@contextmanager
def place() -> Iterator[Place]:
    """Join the process group where torchrun started several processes, and leave it at the end."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True  # a stage's batches all have one shape
    if world > 1:
        distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Place(rank, world, device)
    finally:
        if world > 1:
            distributed.destroy_process_group()
