"""By which ways each set can be had."""

from pathlib import Path

from data import extras, trashnet
from data.fetch import Fetch, from_disk, from_kaggle, from_web
from data.layout import Layout

Ways = list[tuple[str, Fetch]]


def trashnet_ways(layout: Layout, source: Path | None = None) -> Ways:
    """Kaggle first, then the authors' archive; only ``source`` where one is given."""
    if source is not None:
        return [(str(source), from_disk(source))]
    return [
        (f"Kaggle, {trashnet.KAGGLE}", from_kaggle(trashnet.KAGGLE)),
        (trashnet.ARCHIVE, from_web(trashnet.ARCHIVE, layout)),
    ]


def extra_ways(name: str, layout: Layout, source: Path | None = None) -> Ways:
    """The ways to the additional set ``web`` or ``general``; only ``source`` where one is given."""
    if source is not None:
        return [(str(source), from_disk(source))]
    if name == "web":
        return [(f"Kaggle, {extras.WEB_KAGGLE}", from_kaggle(extras.WEB_KAGGLE))]
    return [(extras.GENERAL_ARCHIVE, from_web(extras.GENERAL_ARCHIVE, layout))]
