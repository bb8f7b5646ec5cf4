"""Measures every server under every load, in turn and in rounds, so that no noise is any server's own."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scripts.benchmarks.compare.contenders import Baseline, settle, suspended
from scripts.benchmarks.load.progress import say
from scripts.benchmarks.load.rows import Row, middle
from scripts.benchmarks.servers import LOGS

#: `pretrained` takes about five times as long for a photo.
_LONGER = {"raw": 1, "pretrained": 3}
_LONGER_FROM, _LONGER_LARGE = 16, 2
_WARM_UP_SECONDS = 2.0


@dataclass(frozen=True)
class Load:
    """What a server is asked: the model, requests at a time, whether about photos of 12 megapixels, and how long."""

    model: str
    concurrency: int
    large: bool
    seconds: float

    def __str__(self) -> str:
        """Return it as words of a log."""
        return f"{self.model}, {'12 megapixels, ' if self.large else ''}concurrency {self.concurrency}"


def plan(models: Sequence[str], concurrency: Sequence[int], large: Sequence[int], seconds: float) -> list[Load]:
    """Return the loads of one round.

    What is incomplete at the end of a measurement is not counted. So slow requests, and many at a time, get longer.

    Args:
        models: are asked in this order.
        concurrency: with photos of usual size.
        large: with photos of 12 megapixels.
        seconds: of the shortest measurement.
    """
    loads = []
    for model in models:
        for number in concurrency:
            factor = max(_LONGER[model], number / _LONGER_FROM)
            loads.append(Load(model, number, large=False, seconds=seconds * factor))
        loads += [Load(model, number, large=True, seconds=seconds * _LONGER_LARGE) for number in large]
    return loads


Measure = Callable[[Load], Row]
#: By load and server the row of each round.
Rows = dict[Load, dict[str, list[Row]]]


class Rounds:
    """Measures, and keeps what was measured."""

    def __init__(self, servers: Mapping[str, Measure], baselines: Mapping[str, Baseline]) -> None:
        """Prepare.

        Args:
            servers: how each server is asked. ``direct`` is not asked about photos of 12 megapixels.
            baselines: those of them that are stopped while another is measured.
        """
        self._servers, self._baselines = servers, baselines
        self.rows: Rows = defaultdict(lambda: defaultdict(list))

    def warm_up(self, models: Sequence[str], concurrency: int) -> None:
        """Ask every server once: batch sizes, threads and connections come into being before anything counts."""
        for model in models:
            for server in self._servers:
                self._measure(server, Load(model, concurrency, large=False, seconds=_WARM_UP_SECONDS))

    def measure(self, name: str, loads: Sequence[Load]) -> None:
        """Measure one round."""
        for load in loads:
            for server in self._servers:
                if server == "direct" and load.large:
                    continue
                row = self._measure(server, load)
                self.rows[load][server].append(row)
                say(f"{name}: {load}, {server}: {row}")
                if row.failures:
                    say(f"why {row.failures} requests failed, the logs in {LOGS} may say")

    def results(self, *, large: bool) -> dict[str, dict[str, dict[int, list[Row]]]]:
        """Return the rows by model, server and concurrency."""
        found: dict[str, dict[str, dict[int, list[Row]]]] = {}
        for load, servers in self.rows.items():
            if load.large is large:
                for server, rows in servers.items():
                    found.setdefault(load.model, {}).setdefault(server, {})[load.concurrency] = rows
        return found

    def _measure(self, server: str, load: Load) -> Row:
        with suspended(each for name, each in self._baselines.items() if name != server):
            row = self._servers[server](load)
            settle()
            return row


def medians(results: Mapping[str, Mapping[str, Mapping[int, list[Row]]]]) -> dict[str, dict[str, dict[int, Row]]]:
    """Return the median of each figure."""
    return {
        model: {server: {number: middle(rows) for number, rows in by.items()} for server, by in servers.items()}
        for model, servers in results.items()
    }
