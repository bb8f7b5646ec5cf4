"""``python -m scripts.readme_table``: write the README's table of the two models from their cards.

With ``--check`` it only says whether the table is the one of the cards.
"""

import argparse
import sys
from pathlib import Path

from scripts.sections import put_section
from training.evaluate.card import WEIGHTS, ModelCard, read_card
from training.models.model_types import NETWORK_MODELS

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- models:begin -->", "<!-- models:end -->"
_HEADER = (
    "| model | parameters | accuracy | balanced accuracy | F1 macro | MCC | accuracy at other places "
    "| calibration error | AUROC, out-of-distribution |"
)


def render_table(cards: list[ModelCard]) -> str:
    """Return the table, a row for each card, and its small print; in brackets the bootstrapped 95 % interval."""
    rows = [_HEADER, "|" + "---|" * (_HEADER.count("|") - 1)]
    for card in cards:
        test, away = card.metrics["test"], card.places.held_out_mean if card.places else None
        cells = [f"`{card.model_type}`", f"{card.parameters / 1e6:.1f} M"]
        for name in ("accuracy", "balanced_accuracy", "f1_macro", "mcc"):
            low, high = test.intervals[name]
            cells.append(f"{test.metrics[name]:.3f} [{low:.3f}, {high:.3f}]")
        cells.append(f"{away.accuracy:.3f} (mean of {away.places} held-out places)" if away else "not measured")
        cells.append(f"{test.ece:.3f}")
        cells.append(f"{card.other_things.auroc:.3f}" if card.other_things else "not measured")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([*rows, "", *map(_small_print, cards)])


def _small_print(card: ModelCard) -> str:
    """Return what a row would hide: near copies, the rarest class, and sure answers about unknown things."""
    test = card.metrics["test"]
    rarest = min(test.per_class, key=lambda name: test.per_class[name].support)
    parts = [f"recall of {rarest} {test.per_class[rarest].recall:.3f} ({test.per_class[rarest].support} photos)"]
    without = test.without_duplicates
    if without is not None and without.metrics is not None:
        left_out = f"excluding {without.left_out} near-duplicates of training images"
        parts.insert(0, f"accuracy {without.metrics['accuracy']:.3f} {left_out}")
    if card.other_things is not None:
        parts.append(f"{card.other_things.over_99:.1%} of out-of-distribution images get confidence > 0.99")
    return f"- `{card.model_type}`: {'; '.join(parts)}."


def put_table(text: str, table: str) -> str:
    """Return ``text`` with ``table`` between the markers; raise ``ValueError`` where they are not there."""
    return put_section(text, "models", table)


def main(arguments: list[str] | None = None) -> int:
    """Write, or check, the table of the README."""
    parser = argparse.ArgumentParser(prog="python -m scripts.readme_table", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if the table is another")
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parsed = parser.parse_args(arguments)
    try:
        table = render_table([read_card(model_type, parsed.weights) for model_type in NETWORK_MODELS])
        before = parsed.readme.read_text(encoding="utf-8")
        after = put_table(before, table)
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    if parsed.check:
        print("the table is the one of the cards" if before == after else "the table is not the one of the cards")
        return 0 if before == after else 1
    parsed.readme.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
