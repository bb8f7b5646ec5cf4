"""``bin-it-right dev readme-table``: write the README's two tables of results from the model cards.

With ``--check`` it only says whether the tables are those of the cards.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.sections import put_section, write_or_check
from training.evaluate.card import WEIGHTS, ModelCard, read_card
from training.models.model_types import NETWORK_MODELS

README = Path(__file__).resolve().parents[1] / "README.md"
_MODELS = (
    "model",
    "parameters",
    "accuracy, test split",
    "balanced accuracy, test split",
    "accuracy, held-out places",
    "AUROC, out-of-distribution",
)
_UNKNOWN = "not measured"
#: Columns of a line of Markdown.
_WIDTH = 100


def render_models(cards: Sequence[ModelCard]) -> str:
    """Return a row for each card, and its small print; in brackets the bootstrapped 95 % interval."""
    rows = [_row(_MODELS), "|" + "---|" * len(_MODELS)]
    for card in cards:
        test, away = card.metrics["test"], card.places.held_out_mean if card.places else None
        cells = [f"`{card.model_type}`", f"{card.parameters / 1e6:.1f} M"]
        for name in ("accuracy", "balanced_accuracy"):
            low, high = test.intervals[name]
            cells.append(f"{test.metrics[name]:.3f} [{low:.3f}, {high:.3f}]")
        cells.append(f"{away.accuracy:.3f} (mean of {away.places})" if away else _UNKNOWN)
        cells.append(f"{card.out_of_distribution.auroc:.3f}" if card.out_of_distribution else _UNKNOWN)
        rows.append(_row(cells))
    return "\n".join([*rows, "", *map(_small_print, cards)])


def render_places(cards: Sequence[ModelCard]) -> str:
    """Return a row for each place, with the accuracy, and in brackets the sure answers: their share and accuracy."""
    heads = ("place", "images", *(f"`{card.model_type}`" for card in cards))
    rows = [_row(heads), "|" + "---|" * len(heads)]
    rows.append(_row(["test split, white board", str(cards[0].metrics["test"].count), *map(_test_cell, cards)]))
    for name in dict.fromkeys(name for card in cards if card.places for name in card.places.places):
        reports = [card.places.places.get(name) if card.places else None for card in cards]
        count = max(report.count for report in reports if report)
        held_out = any(card.places and name in card.places.held_out for card in cards)
        title = name.replace("_", " ") + (" (held out)" if held_out else "")
        cells = [_place_cell(each.accuracy, each.sure, each.right_when_sure) if each else _UNKNOWN for each in reports]
        rows.append(_row([title, str(count), *cells]))
    if not any(card.places for card in cards):
        rows.append(_row(["other places", "", *[_UNKNOWN] * len(cards)]))
    return "\n".join(rows)


def put_tables(text: str, cards: Sequence[ModelCard]) -> str:
    """Return ``text`` with both tables between their markers.

    Raises:
        ValueError: a pair of markers is missing.
    """
    return put_section(put_section(text, "models", render_models(cards)), "places", render_places(cards))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _test_cell(card: ModelCard) -> str:
    test = card.metrics["test"]
    return _place_cell(test.metrics["accuracy"], 1 - test.selective.flagged, test.selective.accuracy_of_rest)


def _place_cell(accuracy: float, sure: float, right: float | None) -> str:
    return f"{accuracy:.2f} (sure {sure:.0%}" + (f", of those right {right:.2f})" if right is not None else ")")


def _small_print(card: ModelCard) -> str:
    line = f"- `{card.model_type}`: {'; '.join(_remarks(card))}."
    return textwrap.fill(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _remarks(card: ModelCard) -> Iterator[str]:
    """Yield what a row would hide: near-duplicates, the rarest class, calibration, sure answers about the unknown."""
    test = card.metrics["test"]
    without = test.without_duplicates
    if without is not None and without.metrics is not None:
        yield f"{without.metrics['accuracy']:.3f} excluding {without.left_out} near-duplicates of training images"
    rarest = min(test.per_class, key=lambda name: test.per_class[name].support)
    yield f"recall of {rarest} {test.per_class[rarest].recall:.3f} ({test.per_class[rarest].support} images)"
    yield f"calibration error {test.ece:.3f}"
    if card.out_of_distribution is not None:
        yield f"{card.out_of_distribution.over_99:.1%} of out-of-distribution images get confidence > 0.99"


def main(arguments: list[str] | None = None) -> int:
    """Write, or check, the tables of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a table is another")
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parsed = parser.parse_args(arguments)
    try:
        cards = [read_card(model_type, parsed.weights) for model_type in NETWORK_MODELS]
        after = put_tables(parsed.readme.read_text(encoding="utf-8"), cards)
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return write_or_check(parsed.readme, after, check=parsed.check, source="cards")


if __name__ == "__main__":
    sys.exit(main())
