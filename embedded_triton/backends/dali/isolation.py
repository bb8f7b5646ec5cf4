"""Finds the samples that make a batch fail, so that only they fail."""

from collections.abc import Callable, Sequence
from typing import Any


def run_isolated(samples: Sequence[Any], run: Callable[[list[Any]], list[Any]]) -> list[Any]:
    """Run all samples as one batch; where it fails, halve it until each failing sample is a batch of its own.

    One bad sample in a batch of n costs about 2 log2(n) further runs, over at most 2n samples.

    Args:
        samples: the inputs, in order.
        run: maps a batch to as many outputs, or raises RuntimeError.

    Returns:
        For each sample its output, or the RuntimeError that it raises alone.
    """
    if not samples:
        return []
    try:
        return run(list(samples))
    except RuntimeError as fault:
        if len(samples) == 1:
            return [fault]
    middle = len(samples) // 2
    return run_isolated(samples[:middle], run) + run_isolated(samples[middle:], run)
