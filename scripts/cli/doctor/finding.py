"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a finding is to be taken."""

    good = "ok"
    note = "note"
    problem = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A note changes what is possible; a problem keeps `make run` from working."""

    what: str
    state: State
    text: str
    remedy: str = ""


def good(what: str, text: str) -> Finding:
    """Return a finding with nothing to do."""
    return Finding(what, State.good, text)


def note(what: str, text: str, remedy: str = "") -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(what, State.note, text, remedy)


def problem(what: str, text: str, remedy: str) -> Finding:
    """Return a finding that has to be mended first."""
    return Finding(what, State.problem, text, remedy)
