"""Counts outcomes by model and class, and tells of the failures."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from scripts.cli.classify.outcome import Answered, Failed, Outcome
from scripts.cli.classify.photos import shown

_FAILURES_SHOWN = 10
_Key = tuple[str, str]  # model and class


class Summary:
    """What a run came to; a few numbers, however many photos there were."""

    def __init__(self) -> None:
        self._answers: Counter[_Key] = Counter()
        self._not_sure: Counter[_Key] = Counter()
        self._confidence: dict[_Key, float] = {}
        self._shown: list[Failed] = []
        self._agreed = 0
        self._models = 0
        self.answered = 0
        self.failed = 0

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Add the outcomes of one photo, one for each model. Without the answer of one it counts as not answered."""
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answered)]
        self._models = len(outcomes)
        for answer in answers:
            key = answer.model, answer.pred_class
            self._answers[key] += 1
            self._not_sure[key] += answer.not_sure
            self._confidence[key] = self._confidence.get(key, 0.0) + answer.confidence
        if failures:
            self.failed += 1
            self._shown += failures[: _FAILURES_SHOWN - len(self._shown)][:1]
        else:
            self.answered += 1
            self._agreed += len({answer.pred_class for answer in answers}) == 1

    def show(self, console: Console, *, seconds: float, skipped: int) -> None:
        """Print the table by model and class, and the failures."""
        if self._answers.total() > 1:
            console.print(self._table())
        if self._models > 1 and self.answered:
            console.print(f"the models agree about {self._agreed} of {self.answered} photos", soft_wrap=True)
        for failure in self._shown:
            console.print(
                f"no answer: {shown(failure.file)}: {failure.detail}", style="red", markup=False, soft_wrap=True
            )
        if self.failed > len(self._shown):
            console.print(f"… and {self.failed - len(self._shown)} more without an answer.", style="red")
        parts = [f"{self.answered} answered"]
        parts += [f"{self.failed} without an answer"] if self.failed else []
        parts += [f"{skipped} answered before"] if skipped else []
        rate = self.answered / seconds if seconds else 0.0
        console.print(f"{', '.join(parts)} in {seconds:.1f} s ({rate:.1f} images/s)", soft_wrap=True)

    def _table(self) -> Table:
        table = Table("model", "class", box=None, pad_edge=False)
        for name in ("photos", "share", "mean confidence", "not sure"):
            table.add_column(name, justify="right")
        of_model: Counter[str] = Counter()
        for (model, _), photos in self._answers.items():
            of_model[model] += photos
        for key, photos in sorted(self._answers.items(), key=lambda item: (list(of_model).index(item[0][0]), -item[1])):
            share, confidence = photos / of_model[key[0]], self._confidence[key] / photos
            table.add_row(*key, str(photos), f"{share:.1%}", f"{confidence:.1%}", str(self._not_sure[key]))
        return table
