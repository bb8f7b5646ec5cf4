"""What stands out in a data set, in sentences that are made from its numbers."""

import numpy as np

from training.dataset.eda.survey import Survey


def findings(survey: Survey) -> list[str]:
    """Return three sentences: on balance, on brightness and colour, on duplicates and sizes."""
    return [_balance(survey), _brightness(survey), _duplicates(survey)]


def _balance(survey: Survey) -> str:
    totals = survey.counts.sum(axis=1)
    most, least = int(totals.argmax()), int(totals.argmin())
    splits = ", ".join(
        f"{count:,} {split}" for split, count in zip(survey.splits, survey.counts.sum(axis=0), strict=True)
    )
    return (
        f"{totals.sum():,} photos ({splits}). The largest class is {survey.classes[most]} with {totals[most]:,}, the "
        f"smallest {survey.classes[least]} with {totals[least]:,}: {totals[most] / totals[least]:.1f} to 1."
    )


def _brightness(survey: Survey) -> str:
    means = survey.class_brightness()
    order = np.argsort(-means)
    first, second, last = (int(index) for index in (order[0], order[1], order[-1]))
    spread = survey.brightness[survey.of_class(last)].std()
    red, _, blue = survey.colours.T
    warmest = int((red - blue).argmax())
    return (
        f"The brightest class is {survey.classes[first]} (mean {means[first]:.1f} of 255, then "
        f"{survey.classes[second]} {means[second]:.1f}), the darkest {survey.classes[last]} ({means[last]:.1f}); "
        f"its photos have a standard deviation of {spread:.0f}. The warmest is {survey.classes[warmest]} "
        f"(red over blue by {red[warmest] - blue[warmest]:.0f})."
    )


def _duplicates(survey: Survey) -> str:
    across = [pair for pair in survey.duplicates if survey.split_of[pair.first] != survey.split_of[pair.second]]
    labels = survey.photos.labels
    contradictions = sum(int(labels[pair.first] != labels[pair.second]) for pair in survey.duplicates)
    (width, height), count = survey.sizes.most_common(1)[0]
    share = "All" if len(survey.sizes) == 1 else f"{count / sum(survey.sizes.values()):.0%} of the"
    return (
        f"{len(across)} pairs of photos are the same, or nearly, across splits; {contradictions} pairs are one photo "
        f"under two labels. {share} photos have {width}x{height} pixels."
    )
