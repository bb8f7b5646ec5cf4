"""Interpolate two sets of weights of one network: what it knew before fine-tuning, and what it learnt by it.

    python -m scripts.interpolate_weights BEFORE AFTER SHARE OUTPUT

The weights are BEFORE + SHARE * (AFTER - BEFORE) (WiSE-FT, Wortsman et al., 2022, https://arxiv.org/abs/2109.01903).
"""

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file

from training.atomic_write import write_atomically


def interpolate(before: Path, after: Path, share: float, output: Path) -> None:
    """Write the weights between two safetensors files.

    Args:
        before: weights with a share of 1 - ``share``.
        after: weights with ``share``; what is no floating-point number is taken from here.
        share: 0 to 1.
        output: a safetensors file in single precision.

    Raises:
        ValueError: the files hold other tensors, or ``share`` is no share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share is between 0 and 1, not {share}")
    first, second = load_file(before), load_file(after)
    if {name: tensor.shape for name, tensor in first.items()} != {name: t.shape for name, t in second.items()}:
        raise ValueError(f"{before} and {after} are weights of different networks")
    state = {
        name: first[name].float().lerp(tensor.float(), share) if tensor.is_floating_point() else tensor
        for name, tensor in second.items()
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, lambda path: save_file({name: each.contiguous() for name, each in state.items()}, path))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("share", type=float)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    try:
        interpolate(arguments.before, arguments.after, arguments.share, arguments.output)
    except (ValueError, FileNotFoundError) as exc:
        parser.exit(1, f"error: {exc}\n")


if __name__ == "__main__":
    main()
