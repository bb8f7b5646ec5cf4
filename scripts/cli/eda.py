"""`bin-it-right eda`: says what is in a data set."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import with_sentences


@with_sentences
def eda(
    dataset: Annotated[Path, typer.Argument(help="A folder with train, val and test splits.")],
    output: Annotated[Path, typer.Option(help="The folder for the page.")] = Path("build", "eda"),
) -> None:
    """Look at a data set: one HTML page and its figures."""
    from training.dataset.classes import read_classes
    from training.dataset.eda.findings import findings
    from training.dataset.eda.page import write_page
    from training.dataset.eda.survey import survey

    looked = survey(dataset, read_classes())
    written = write_page(looked, output, f"What is in {dataset.resolve().name}")
    print("\n".join(findings(looked)))
    print(f"written: {written[0]} and {len(written) - 1} figures")
