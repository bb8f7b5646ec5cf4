"""``python -m scripts.cli.export``: brings a model repository up to date with class file and weights."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Render configurations and labels, export what is missing or old, and print what was written."""
    parser = argparse.ArgumentParser(prog="python -m scripts.cli.export", description=__doc__)
    parser.add_argument("--model-repository", type=Path, metavar="FOLDER", help="the project's own by default")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="your own; only models that have a card there are exported"
    )
    parser.add_argument("--half", action="store_true", help="compute in FP16: for NVIDIA's own backends on a GPU")
    arguments = parser.parse_args()
    from training.dataset.classes import MODEL_REPOSITORY
    from training.evaluate.card import WEIGHTS
    from training.export.fingerprint import Precision, outdated
    from training.export.repository import networks_of, write_repository
    from training.models.model_types import NETWORK_MODELS

    folder = (arguments.model_repository or MODEL_REPOSITORY).resolve()
    weights = (arguments.weights or WEIGHTS).resolve()
    try:
        networks = networks_of(weights) if arguments.weights else NETWORK_MODELS
        written = write_repository(folder, weights, networks)
        precision: Precision = "half" if arguments.half else "single"
        if outdated(folder, weights, networks, precision=precision):
            # Heavy: torch alone takes seconds to import, and most starts find everything in place.
            from training.export.torchscript import ensure_exported

            written += ensure_exported(folder, weights, networks, precision=precision)
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    for path in written:
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
