"""``python -m training export``: write what is missing or old in the model repository, TorchScript included."""

import argparse


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command line."""
    parser = subparsers.add_parser("export", help="fill the model repository", description=__doc__)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Export, and name the files that were written."""
    from training.export import ensure_exported
    from training.repository import write_repository

    written = [*write_repository(), *ensure_exported()]
    print("\n".join(f"wrote {path}" for path in written) if written else "the model repository is up to date")
