"""`bin-it-right doctor`: runs every check and prints what it found."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scripts.cli.doctor.finding import Finding, State
from scripts.cli.exit_codes import FAILED

_ROOT = Path(__file__).resolve().parents[3]
_PIPED_WIDTH = 10_000
_STYLES = {State.good: "green", State.note: "yellow", State.problem: "red"}


def doctor(
    port: Annotated[int, typer.Option(envvar="PORT", help="The port that the gateway would listen on.")] = 8080,
) -> None:
    """Say what this machine can do, and what to do about the rest.

    \b
    Exit status: 0 nothing keeps `make run` from working; 1 something does, with its remedy.
    """
    from scripts.cli.doctor.accelerator import check_accelerator
    from scripts.cli.doctor.machine import check_machine
    from scripts.cli.doctor.service import check_service
    from scripts.cli.doctor.software import check_software

    console = Console(highlight=False)
    if not console.is_terminal:
        # 80 columns are assumed of a pipe, and would break paths that are copied out of it.
        console.width = _PIPED_WIDTH
    found: list[Finding] = []
    with console.status("looking …"):
        for check in (check_machine(_ROOT), check_software(), check_accelerator(), check_service(port)):
            found.extend(check)
    console.print(_table(found))
    problems = [finding for finding in found if finding.state is State.problem]
    if problems:
        raise typer.Exit(FAILED)


def _table(found: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        style = _STYLES[finding.state]
        text = Text(finding.text)
        if finding.remedy:
            text.append(f"\n→ {finding.remedy}", style)
        table.add_row(Text(finding.state, style), finding.what, text)
    return table
