"""One process or several: what torchrun says in its environment, and the little that a run has to know of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class ProcessRank:
    """This process's rank in the process group of the run, and its device.

    Attributes:
        rank: from 0.
        world_size: how many processes there are.
        device: the GPU of this process, or the CPU.
    """

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.rank == 0

    def shard(self, items: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return this process's part; every process gets the same number."""
        whole = len(items) - len(items) % self.world_size
        return items[self.rank : whole : self.world_size]

    def wrap(self, network: nn.Module) -> nn.Module:
        """Let gradients be averaged over the processes, where there are several."""
        return nn.parallel.DistributedDataParallel(network) if self.world_size > 1 else network


@contextmanager
def process_group() -> Iterator[ProcessRank]:
    """Join the process group where torchrun started several processes, and leave it at the end."""
    world_size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True  # a stage's batches all have one shape
    if world_size > 1:
        distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield ProcessRank(rank, world_size, device)
    finally:
        if world_size > 1:
            distributed.destroy_process_group()
