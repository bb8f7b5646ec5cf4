"""One run over all photos: asks, writes, counts, and says how it went."""

import asyncio
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

from rich.console import Console

from scripts.cli.classify import photos
from scripts.cli.classify.pipeline import Pipeline
from scripts.cli.classify.progress import RunProgress
from scripts.cli.classify.server import Server, ServerError
from scripts.cli.classify.summary import Summary
from scripts.cli.classify.writers import Writer


@dataclass(frozen=True, slots=True)
class Job:
    """What to classify, and how hard to press. `done` are the files that have their answer from an earlier run."""

    inputs: Sequence[str]
    model: str
    done: Set[str]
    in_flight: int
    patience: float

    def files(self) -> Iterator[str]:
        """The photos that are still to be asked for."""
        return (name for name in photos.find(self.inputs) if name not in self.done)


def run(job: Job, server: Server, make_writer: Callable[[tuple[str, ...]], Writer], speaking: Console) -> Summary:
    """Classifies all photos of the job.

    Args:
        job: the photos.
        server: whom to ask.
        make_writer: makes the writer of the answers, given the classes that they can have.
        speaking: takes the progress and the summary.

    Raises:
        ServerError: the server can not be asked.
    """
    writer = make_writer(_classes(server, job.model))
    total = sum(1 for _ in job.files())
    summary, pipeline = Summary(), Pipeline(server, job.model, in_flight=job.in_flight, patience=job.patience)

    async def ask() -> None:
        async for outcome in pipeline.outcomes(job.files()):
            writer.write(outcome)
            summary.count(outcome)
            progress.advance()

    with RunProgress(speaking, total) as progress:
        try:
            asyncio.run(ask())
        finally:
            if total != 1 or summary.failed:
                progress.stop()
                summary.show(speaking, seconds=progress.seconds, skipped=len(job.done))
    return summary


def _classes(server: Server, model: str) -> tuple[str, ...]:
    models = server.models()
    for known in models:
        if known.name == model:
            return known.classes
    raise ServerError(f"{server.url} has no model {model!r}; it has {', '.join(each.name for each in models)}.")
