"""The gate to the released weights: a candidate replaces them only if it is no worse."""

import shutil
from pathlib import Path

from training.atomic_write import write_atomically
from training.evaluate.card import WEIGHTS, ModelCard, card_path, read_card, weights_path, write_card

#: Splits that decide. The test split is not among them: it is read once for released weights, and decides nothing.
_VALIDATION, _HELD_OUT = "val", "web_heldout"
_OVERALL = ("accuracy", "balanced_accuracy")
_ROUNDING = 1e-9


def objections(candidate: ModelCard, released: ModelCard) -> list[str]:
    """Say in a sentence each what speaks against the candidate; an empty list lets it pass.

    Mean accuracy over the held-out places must not be lower, unless that of the released weights is unknown. Accuracy
    and balanced accuracy on the validation split may be lower by as much as that mean is higher, since a service is
    asked about its users' photos, but not under the released weights' bootstrap interval; nor may the F1 of a class be.
    The web's held-out photos may not be under that interval either: they come from a source that is trained on, so they
    say little about other places. The same weights, measured again because the measuring has changed, always pass: they
    stay what they are, and their card becomes true again.
    """
    if candidate.weights_sha256 == released.weights_sha256:
        return []
    if candidate.classes != released.classes:
        return [f"its classes are {', '.join(candidate.classes)}; the released ones are {', '.join(released.classes)}"]
    found = []
    for name in (_VALIDATION, _HELD_OUT):
        if name not in released.metrics:
            continue
        if name not in candidate.metrics:
            found.append(f"it was not measured on {name}, where the released weights were")
            continue
        new, old = candidate.metrics[name], released.metrics[name]
        if new.count != old.count:
            found.append(f"its {name} split has {new.count} photos, that of the released weights {old.count}")
            continue
        found += [
            f"{metric} on {name} is {new.metrics[metric]:.4f}, under the released weights' interval, "
            f"[{old.intervals[metric][0]:.4f}, {old.intervals[metric][1]:.4f}]"
            for metric in _OVERALL
            if new.metrics[metric] < old.intervals[metric][0]
        ]
        if name == _VALIDATION:
            gain = _gain_at_held_out_places(candidate, released)
            found += [
                f"{metric} on {name} is {new.metrics[metric]:.4f}, under the released {old.metrics[metric]:.4f} by "
                f"more than the {gain:.4f} that the mean over held-out places gains"
                for metric in _OVERALL
                if old.intervals[metric][0] <= new.metrics[metric] < old.metrics[metric] - gain - _ROUNDING
            ]
            found += [
                f"F1 of {label} on {name} is {new.per_class[label].f1:.4f}, under the released weights' interval, "
                f"[{of.f1_interval[0]:.4f}, {of.f1_interval[1]:.4f}]"
                for label, of in old.per_class.items()
                if new.per_class[label].f1 < of.f1_interval[0]
            ]
    return found + _at_held_out_places(candidate, released)


def _gain_at_held_out_places(candidate: ModelCard, released: ModelCard) -> float:
    """Return how much higher the mean accuracy over held-out places is; 0.0 where it is not, or cannot be compared."""
    if _at_held_out_places(candidate, released):
        return 0.0
    new, old = candidate.places, released.places
    if new is None or old is None or new.held_out_mean is None or old.held_out_mean is None:
        return 0.0
    return new.held_out_mean.accuracy - old.held_out_mean.accuracy


def _at_held_out_places(candidate: ModelCard, released: ModelCard) -> list[str]:
    old = released.places
    if old is None or old.held_out_mean is None:
        return []
    new = candidate.places
    if new is None or new.held_out_mean is None:
        return ["it was not measured at held-out places (--places, --held-out), where the released weights were"]
    if [(name, new.places[name].count) for name in new.held_out] != [
        (name, old.places[name].count) for name in old.held_out
    ]:
        return [
            f"its held-out places are {', '.join(new.held_out)}; those of the released weights are "
            f"{', '.join(old.held_out)}, or have other numbers of photos"
        ]
    if new.held_out_mean.accuracy < old.held_out_mean.accuracy:
        return [
            f"mean accuracy at held-out places is {new.held_out_mean.accuracy:.4f}, "
            f"under the released {old.held_out_mean.accuracy:.4f}"
        ]
    return []


def at_chance(card: ModelCard) -> bool:
    """Say whether the card's balanced accuracy on the validation split may be no better than guessing."""
    low, _ = card.metrics[_VALIDATION].intervals["balanced_accuracy"]
    return low <= 1 / len(card.classes)


def promote(model_type: str, folder: Path, weights_folder: Path = WEIGHTS) -> ModelCard:
    """Release the candidate that an evaluation left in ``folder``: its weights, and the card with their digest.

    Raises:
        FileNotFoundError: there is no candidate.
        ValueError: it is worse; the message says where. Nothing was changed.
    """
    candidate = read_card(model_type, folder)
    if card_path(model_type, weights_folder).exists():
        against = objections(candidate, read_card(model_type, weights_folder))
        if against:
            raise ValueError(f"the candidate for {model_type} stays out:\n  " + "\n  ".join(against))
    source = weights_path(model_type, folder)
    # The weights first: between the two steps the card names another digest, and whoever reads them says so.
    write_atomically(weights_path(model_type, weights_folder), lambda path: shutil.copyfile(source, path))
    write_card(candidate, weights_folder)
    return candidate
