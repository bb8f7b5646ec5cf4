"""Where each set can be fetched from, the first source first."""

from pathlib import Path

from data import extras, trashnet
from data.fetch import Fetch, from_disk, from_kaggle, from_web
from data.layout import Layout

Sources = list[tuple[str, Fetch]]


def trashnet_sources(layout: Layout, source: Path | None = None) -> Sources:
    """Return Kaggle first, then the authors' archive; only ``source`` where one is given."""
    if source is not None:
        return [(str(source), from_disk(source))]
    return [
        (f"Kaggle, {trashnet.KAGGLE}", from_kaggle(trashnet.KAGGLE)),
        (trashnet.ARCHIVE, from_web(trashnet.ARCHIVE, layout)),
    ]


def extra_sources(name: str, layout: Layout, source: Path | None = None) -> Sources:
    """Return the sources of the additional set ``web`` or ``general``; only ``source`` where one is given."""
    if source is not None:
        return [(str(source), from_disk(source))]
    if name == "web":
        return [(f"Kaggle, {extras.WEB_KAGGLE}", from_kaggle(extras.WEB_KAGGLE))]
    return [(extras.GENERAL_ARCHIVE, from_web(extras.GENERAL_ARCHIVE, layout))]
