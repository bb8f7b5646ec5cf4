"""One run over all photos: asks, writes, counts, and says how it went."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

from rich.console import Console

from scripts.cli.classify import photos
from scripts.cli.classify.pipeline import Pipeline
from scripts.cli.classify.progress import RunProgress
from scripts.cli.classify.server import Model, Server, ServerError, UnknownModelError
from scripts.cli.classify.summary import Summary
from scripts.cli.classify.writers import Writer

_ASK_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """What to classify, and how hard to press.

    `model` may be left to the server's list; `done` are the files that have their answer from an earlier run.
    """

    inputs: Sequence[str]
    model: str | None
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
    model = _await(server, job)
    writer = make_writer(model.classes)
    total = sum(1 for _ in job.files())
    summary, pipeline = Summary(), Pipeline(server, model.name, in_flight=job.in_flight, patience=job.patience)

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


def _await(server: Server, job: Job) -> Model:
    """The model that is to answer, once the server knows its classes: a server that has just started may not yet."""
    give_up = time.monotonic() + job.patience
    while not (model := _choose(server, job.model)).classes:
        if time.monotonic() > give_up:
            raise ServerError(f"The model {model.name} at {server.url} does not answer yet. Try again a little later.")
        time.sleep(_ASK_AGAIN_SECONDS)
    return model


def _choose(server: Server, name: str | None) -> Model:
    models = server.models()
    if name is None:
        return max(models, key=lambda model: model.accuracy)
    for model in models:
        if model.name == name:
            return model
    raise UnknownModelError(f"{server.url} has no model {name!r}; it has {', '.join(each.name for each in models)}.")
