"""Fetches TrashNet, verifies it and lays it out for training; on request the additional sets too."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from data import extras, trashnet
from data.feedback import make_feedback
from data.fetch import fetch
from data.layout import Layout
from data.prepare import Duplicate, prepare
from data.sources import extra_sources, trashnet_sources
from training.dataset.entries import Entry, read_entries

EXTRAS = {"web": extras.make_web, "general": extras.make_general}


def lay_out(
    layout: Layout,
    source: Path | None = None,
    wanted: Sequence[str] = (),
    on_disk: Mapping[str, Path] | None = None,
    feedback: Path | None = None,
) -> None:
    """Fetch TrashNet and the wanted additional sets, verify them and lay them out; what is there already stays.

    Args:
        layout: the folders.
        source: TrashNet as a folder or zip archive, instead of a download.
        wanted: names of additional sets.
        on_disk: folder or zip archive of additional sets, by name.
        feedback: the gateway's feedback folder.

    Raises:
        ValueError: a source is missing or not whole, or an additional set is unknown.
    """
    unknown = sorted(set(wanted) - set(EXTRAS))
    if unknown:
        raise ValueError(f"unknown extras {', '.join(unknown)}; there are {', '.join(EXTRAS)}")
    on_disk = on_disk or {}
    _lay_out_trashnet(layout, source)
    print(f"ready: {layout.processed(trashnet.NAME)}")
    for name in wanted:
        fetch(name, layout, extra_sources(name, layout, on_disk.get(name)), on_disk.get(name))
        counts = EXTRAS[name](layout, _known(layout))
        _say_ready(name, layout, counts)
    if feedback:
        _say_ready("feedback", layout, make_feedback(feedback, layout, _known(layout)))


def _lay_out_trashnet(layout: Layout, source: Path | None) -> None:
    raw = layout.raw(trashnet.NAME)
    was_there = raw.exists()
    fetch(trashnet.NAME, layout, trashnet_sources(layout, source), source)
    try:
        _report(prepare(layout))
    except ValueError as exc:
        if was_there:
            raise ValueError(f"{exc}. Remove {raw} and fetch it again") from exc
        # What is no TrashNet would be in the way of the next source.
        shutil.rmtree(raw)
        raise ValueError(f"{source or 'what was fetched'} is not TrashNet, and nothing of it is kept: {exc}") from exc


def _say_ready(name: str, layout: Layout, counts: dict[str, int]) -> None:
    print(f"ready: {layout.processed(name)} ({', '.join(f'{count} {part}' for part, count in counts.items())})")


def _known(layout: Layout) -> list[Entry]:
    return [entry for split in trashnet.SPLITS for entry in read_entries(layout.processed(trashnet.NAME), split)]


def _report(duplicates: list[Duplicate]) -> None:
    across = Counter(
        " and ".join(sorted({pair.first.split, pair.second.split}))
        for pair in duplicates
        if pair.first.split != pair.second.split
    )
    for where, count in sorted(across.items()):
        print(f"duplicates: {count} pairs of photos, the same or nearly, across {where}")
    for pair in duplicates:
        if pair.same_file:
            first, second = pair.first, pair.second
            print(f"duplicates: {first.name} ({first.split}) is the file {second.name} ({second.split})")
