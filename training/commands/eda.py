"""``python -m training eda DATASET``: say what is in a data set, as one HTML page with its figures."""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command line."""
    parser = subparsers.add_parser("eda", help="look at a data set", description=__doc__)
    parser.add_argument("dataset", type=Path, help="a folder with train, val and test lists")
    parser.add_argument("--output", type=Path, default=Path("build", "eda"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write the page and print the findings."""
    from training.dataset.classes import read_classes
    from training.dataset.eda.findings import findings
    from training.dataset.eda.page import write_page
    from training.dataset.eda.survey import survey

    looked = survey(arguments.dataset, read_classes())
    written = write_page(looked, arguments.output, f"What is in {arguments.dataset.resolve().name}")
    print("\n".join(findings(looked)))
    print(f"written: {written[0]} and {len(written) - 1} figures")
