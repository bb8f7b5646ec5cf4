"""Counts outcomes by class and tells of the failures."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from scripts.cli.classify.outcome import Answered, Failed, Outcome

_FAILURES_SHOWN = 10


class Summary:
    """What a run came to; a few numbers, however many photos there were."""

    def __init__(self) -> None:
        self._photos: Counter[str] = Counter()
        self._not_sure: Counter[str] = Counter()
        self._confidence: Counter[str] = Counter()
        self._shown: list[Failed] = []
        self.failed = 0

    @property
    def answered(self) -> int:
        """Photos with an answer."""
        return self._photos.total()

    def count(self, outcome: Outcome) -> None:
        """Adds one outcome."""
        if isinstance(outcome, Answered):
            self._photos[outcome.pred_class] += 1
            self._not_sure[outcome.pred_class] += outcome.not_sure
            self._confidence[outcome.pred_class] += outcome.confidence  # type: ignore[assignment]
        else:
            self.failed += 1
            if len(self._shown) < _FAILURES_SHOWN:
                self._shown.append(outcome)

    def show(self, console: Console, *, seconds: float, skipped: int) -> None:
        """Prints the table by class and the failures."""
        if self.answered > 1:
            console.print(self._table())
        for failure in self._shown:
            console.print(f"no answer: {failure.file}: {failure.detail}", style="red", markup=False, soft_wrap=True)
        if self.failed > len(self._shown):
            console.print(f"… and {self.failed - len(self._shown)} more without an answer.", style="red")
        parts = [f"{self.answered} answered"]
        parts += [f"{self.failed} without an answer"] if self.failed else []
        parts += [f"{skipped} answered before"] if skipped else []
        rate = self.answered / seconds if seconds else 0.0
        console.print(f"{', '.join(parts)} in {seconds:.1f} s ({rate:.1f} photos a second)", soft_wrap=True)

    def _table(self) -> Table:
        table = Table("class", box=None, pad_edge=False)
        for name in ("photos", "share", "mean confidence", "not sure"):
            table.add_column(name, justify="right")
        for name, photos in self._photos.most_common():
            share, confidence = photos / self.answered, self._confidence[name] / photos
            table.add_row(name, str(photos), f"{share:.1%}", f"{confidence:.1%}", str(self._not_sure[name]))
        return table
