"""Pictures of things that are no garbage, out of a general set, trained towards equal probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from training.dataset.entries import Entry, read_parquet
from training.train.recipes import Outliers

#: The place that such pictures come from.
GENERAL = "general"


def general_outliers(general: Path, settings: Outliers, *, seed: int) -> list[Entry]:
    """Draw pictures of the kinds that the recipe names, labelled '' for none of the classes.

    Args:
        general: a Parquet file whose labels are kinds of things.
        settings: how many, and of which kinds.
        seed: of the draw.

    Raises:
        ValueError: there are not as many pictures of these kinds.
    """
    entries = [entry for entry in read_parquet(general) if entry.label.startswith(settings.kinds)]
    if len(entries) < settings.count:
        raise ValueError(f"{general} has {len(entries)} pictures of the recipe's kinds, and it wants {settings.count}")
    chosen = np.random.default_rng(seed).choice(len(entries), settings.count, replace=False)
    return [replace(entries[row], label="", place=GENERAL) for row in chosen]
