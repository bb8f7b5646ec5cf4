"""``python -m scripts.cli.export``: brings a model repository up to date with class file and weights."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Render configurations and labels, export what is missing or old, and print what was written."""
    parser = argparse.ArgumentParser(prog="python -m scripts.cli.export", description=__doc__)
    parser.add_argument("--model-repository", type=Path)
    given = parser.parse_args().model_repository
    # Heavy: torch alone takes seconds to import.
    from training.classes import MODEL_REPOSITORY
    from training.export import ensure_exported
    from training.repository import write_repository

    folder = (given or MODEL_REPOSITORY).resolve()
    try:
        written = [*write_repository(folder), *ensure_exported(folder)]
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    for path in written:
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
