"""``python -m data``: fetch TrashNet, verify it and lay it out for training; on request the additional sets too."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from data import extras, trashnet
from data.feedback import make_feedback
from data.fetch import fetch
from data.layout import DATA, Layout
from data.prepare import Duplicate, prepare
from data.sources import extra_ways, trashnet_ways
from training.dataset.entries import Entry, read_entries

EXTRAS = {"web": extras.make_web, "general": extras.make_general}


def main(arguments: list[str] | None = None) -> int:
    """Run; a source that is missing or not whole ends it with a sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m data", description=__doc__)
    parser.add_argument("--source", type=Path, help="TrashNet as a folder or zip archive, instead of a download")
    parser.add_argument("--extras", default="", metavar="web,general", help="additional sets, separated by commas")
    parser.add_argument(
        "--extra-source", metavar="NAME=PATH", action="append", default=[], help="an extra set's folder or zip archive"
    )
    parser.add_argument("--feedback", type=Path, help="the gateway's feedback folder, to be made into a training set")
    parser.add_argument("--root", type=Path, default=DATA, help="the folder to lay everything under")
    parsed = parser.parse_args(arguments)
    try:
        layout = Layout(parsed.root.resolve())
        _run(layout, parsed.source, parsed.extras, parsed.extra_source)
        if parsed.feedback:
            _say_ready("feedback", layout, make_feedback(parsed.feedback, layout, _known(layout)))
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing was left by halves; run it again to go on", file=sys.stderr)
        return 130
    return 0


def _run(layout: Layout, source: Path | None, extra_names: str, extra_sources: list[str]) -> None:
    wanted = [name.strip() for name in extra_names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(EXTRAS))
    if unknown:
        raise ValueError(f"unknown extras {', '.join(unknown)}; there are {', '.join(EXTRAS)}")
    on_disk = {name: Path(path) for name, _, path in (word.partition("=") for word in extra_sources)}
    fetch(trashnet.NAME, layout, trashnet_ways(layout, source))
    _report(prepare(layout))
    print(f"ready: {layout.processed(trashnet.NAME)}")
    for name in wanted:
        fetch(name, layout, extra_ways(name, layout, on_disk.get(name)))
        counts = EXTRAS[name](layout, _known(layout))
        _say_ready(name, layout, counts)


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


if __name__ == "__main__":
    sys.exit(main())
