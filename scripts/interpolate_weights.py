"""``bin-it-right dev interpolate-weights``: write a network that lies between two trained ones."""

import argparse
import sys
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from training.atomic_write import write_atomically
from training.train.interpolation import interpolate


def main(arguments: list[str] | None = None) -> int:
    """Write the weights; return 1 with a sentence where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, help="weights that the other ones started from")
    parser.add_argument("new", type=Path, help="weights that were trained from them")
    parser.add_argument("output", type=Path, help="safetensors file to write")
    parser.add_argument("--share", type=float, required=True, help="of the way from old to new, 0 to 1")
    parsed = parser.parse_args(arguments)
    try:
        weights = interpolate(load_file(parsed.old), load_file(parsed.new), parsed.share)
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(parsed.output, lambda path: save_file(weights, path))
    except (OSError, SafetensorError, ValueError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
