"""One run over all photos: asks, sorts, writes, counts, and says how it went."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gateway.client import AsyncClient, Model, Unreachable
from scripts.cli.classify import photos
from scripts.cli.classify.outcome import Outcome
from scripts.cli.classify.output import Destination
from scripts.cli.classify.pipeline import Pipeline
from scripts.cli.classify.progress import RunProgress
from scripts.cli.classify.sorting import Sorter
from scripts.cli.classify.summary import Summary
from scripts.cli.classify.watch import arriving
from scripts.cli.gateway_options import choose

_ASK_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """What to classify, by what, and how hard to press.

    Attributes:
        inputs: files, folders, globs, or - for standard input.
        watched: a folder whose new photos are classified until the run is interrupted.
        models: names of the models; without any the server's list decides.
        threshold: the confidence under which an answer is not sure; that of the model's card by default.
        sorter: puts the photos into folders.
        sorted_into: where it puts them; photos in there are none of the inputs'.
        concurrency: photos at the server at once.
        patience: seconds to wait for a server that has just started.
    """

    inputs: Sequence[str]
    watched: str | None
    models: Sequence[str]
    threshold: float | None
    sorter: Sorter | None
    sorted_into: Path | None
    concurrency: int
    patience: float


class Interrupted(Exception):  # noqa: N818 (no fault)
    """Ctrl-C, before every photo was answered; so many are left."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} left")
        self.left = left


def run(job: Job, client: AsyncClient, destination: Destination, speaking: Console) -> Summary:
    """Classify all photos of the job.

    Args:
        job: the photos.
        client: whom to ask; closed at the end.
        destination: where the answers go.
        speaking: takes the progress and the summary.

    Raises:
        ClientError: the server cannot be asked.
        SortError: a photo cannot be put into its folder.
        Interrupted: by Ctrl-C. Where a folder is watched that is the end, and no error.
    """
    summary, begun = Summary(), list[tuple[RunProgress, int]]()

    async def work() -> None:
        async with client:
            models = await _ready(client, job)
            names = [model.name for model in models]
            classes = list(dict.fromkeys(label for model in models for label in model.classes))
            pipeline = Pipeline(client, names, concurrency=job.concurrency, threshold=job.threshold)
            with destination.opened(names, classes) as output:
                total = None if job.watched else sum(1 for _ in _files(job, output.done))
                with RunProgress(speaking, total) as progress:

                    def take(outcomes: Sequence[Outcome]) -> None:
                        if job.sorter is not None:
                            job.sorter.sort(outcomes)  # first: what is written is not asked again
                        for outcome in outcomes:
                            output.writer.write(outcome)
                        summary.count(outcomes)
                        progress.advance()

                    begun.append((progress, len(output.done)))
                    await pipeline.run(_all_files(job, output.done, speaking), take)

    try:
        asyncio.run(work())
    except KeyboardInterrupt:
        if not begun:
            raise
        if job.watched is None:
            raise Interrupted(begun[0][0].left) from None
    finally:
        if begun and (job.watched or begun[0][0].total != 1 or summary.failed):
            summary.show(speaking, seconds=begun[0][0].seconds, skipped=begun[0][1])
    return summary


def _files(job: Job, done: Set[str]) -> Iterator[str]:
    """Yield the photos that are still to be asked about."""
    return (name for name in photos.find(job.inputs, job.sorted_into) if photos.shown(name) not in done)


async def _all_files(job: Job, done: Set[str], speaking: Console) -> AsyncIterator[str]:
    for name in _files(job, done):
        yield name
    if job.watched is not None:
        speaking.print(f"watching {photos.shown(job.watched)}; Ctrl-C ends it", markup=False, soft_wrap=True)
        async for name in arriving(job.watched, job.sorted_into):
            yield name


async def _ready(client: AsyncClient, job: Job) -> list[Model]:
    """Return the models that are to answer, once the server knows their classes: a new one may not yet."""
    give_up = time.monotonic() + job.patience
    while True:
        models = choose(await client.models(), job.models)
        silent = [model.name for model in models if not model.classes]
        if not silent:
            return models
        if time.monotonic() > give_up:
            raise Unreachable(f"The server has no answer of {', '.join(silent)} yet. Try again a little later.")
        await asyncio.sleep(_ASK_AGAIN_SECONDS)
