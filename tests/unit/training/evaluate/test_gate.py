"""The gate that compares the card of a candidate with the released one."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.conftest import WriteModel
from training.evaluate.card import ModelCard, card_path, read_card
from training.evaluate.gate import objections, promote


def _better(card: ModelCard, name: str, **metrics: float) -> ModelCard:
    report = card.metrics[name]
    changed = report.model_copy(update={"metrics": report.metrics | metrics})
    return _of_others(card, metrics=card.metrics | {name: changed})


def _of_others(card: ModelCard, **changed: object) -> ModelCard:
    """Return the card as one of other weights, which the gate compares."""
    return card.model_copy(update={"weights_sha256": "0" * 64, **changed})


def test_the_gate_lets_equal_and_better_weights_pass(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card = evaluated[0]
    assert objections(card, _of_others(card)) == []
    assert objections(_better(card, "val", accuracy=1.0), card) == []


def test_the_same_weights_measured_again_pass(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card = evaluated[0]
    better = _better(card, "val", accuracy=1.0).model_copy(update={"weights_sha256": card.weights_sha256})
    assert objections(card, better) == []


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_the_gate_stops_weights_that_are_worse(evaluated: tuple[ModelCard, Path, list[Path]], metric: str) -> None:
    card = evaluated[0]
    (objection,) = objections(card, _better(card, "val", **{metric: 1.0}))
    assert objection.startswith(f"{metric} on val is")


def _with_interval(card: ModelCard, name: str, metric: str, value: float, low: float) -> ModelCard:
    """Return the card of other weights with this value of a metric and this lower end of its interval."""
    report = card.metrics[name]
    metrics, intervals = report.metrics | {metric: value}, report.intervals | {metric: (low, 1.0)}
    changed = report.model_copy(update={"metrics": metrics, "intervals": intervals})
    return _of_others(card, metrics=card.metrics | {name: changed})


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_validation_may_fall_by_what_held_out_places_gain_within_the_interval(
    evaluated: tuple[ModelCard, Path, list[Path]], metric: str
) -> None:
    card = evaluated[0]
    value = card.metrics["val"].metrics[metric]
    assert card.places is not None
    assert card.places.held_out_mean is not None
    mean = card.places.held_out_mean
    better = mean.model_copy(update={"accuracy": mean.accuracy + 0.03})
    candidate = _of_others(card, places=card.places.model_copy(update={"held_out_mean": better}))

    def against(value: float, low: float) -> list[str]:
        released = _with_interval(card, "val", metric, value, low).model_copy(update={"weights_sha256": "1" * 64})
        return objections(candidate, released)

    assert against(value + 0.03, value) == []
    (objection,) = against(value + 0.04, value)
    assert "by more than the 0.0300 that the mean over held-out places gains" in objection
    (objection,) = against(value + 0.02, value + 0.01)
    assert "under the released weights' interval" in objection


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_the_web_may_move_within_the_interval_of_the_released_weights(
    evaluated: tuple[ModelCard, Path, list[Path]], metric: str
) -> None:
    card = evaluated[0]
    value = card.metrics["web_heldout"].metrics[metric]
    assert objections(card, _with_interval(card, "web_heldout", metric, 1.0, value)) == []
    (objection,) = objections(card, _with_interval(card, "web_heldout", metric, 1.0, value + 0.01))
    assert objection.startswith(f"{metric} on web_heldout is")
    assert "under the released weights' interval" in objection


def test_the_test_split_decides_nothing(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card = evaluated[0]
    assert objections(card, _better(card, "test", accuracy=1.0, balanced_accuracy=1.0)) == []


def test_the_gate_stops_a_class_that_falls_out_of_its_interval(
    evaluated: tuple[ModelCard, Path, list[Path]],
) -> None:
    card = evaluated[0]
    val = card.metrics["val"]
    paper = val.per_class["paper"].model_copy(update={"f1": 1.0, "f1_interval": (0.999, 1.0)})
    released_val = val.model_copy(update={"per_class": val.per_class | {"paper": paper}})
    released = _of_others(card, metrics=card.metrics | {"val": released_val})
    (objection,) = objections(card, released)
    assert objection.startswith("F1 of paper on val")


def test_the_gate_stops_what_cannot_be_compared(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card = evaluated[0]
    without = _of_others(card, metrics={"val": card.metrics["val"]})
    assert objections(without, card) == ["it was not measured on web_heldout, where the released weights were"]
    assert objections(card, without) == []
    other = _of_others(card, classes=("cup", "plate"))
    assert "classes are cup, plate" in objections(other, card)[0]
    longer = card.metrics["val"].model_copy(update={"count": 5})
    assert "split has 5 photos" in objections(card.model_copy(update={"metrics": {"val": longer}}), without)[0]


def test_the_gate_looks_at_the_mean_over_held_out_places(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card = evaluated[0]
    assert card.places is not None
    assert card.places.held_out_mean is not None
    better_mean = card.places.held_out_mean.model_copy(update={"accuracy": 1.0})
    better = _of_others(card, places=card.places.model_copy(update={"held_out_mean": better_mean}))
    assert objections(better, card) == []
    (objection,) = objections(card, better)
    assert objection.startswith("mean accuracy at held-out places is")
    unknown = _of_others(card, places=None)
    assert objections(card, unknown) == []
    assert objections(unknown, card) == [
        "it was not measured at held-out places (--places, --held-out), where the released weights were"
    ]
    bin_ = card.places.places["street"]
    elsewhere = card.places.model_copy(update={"places": {"bin": bin_}, "held_out": ("bin",)})
    (objection,) = objections(_of_others(card, places=elsewhere), card)
    assert objection.startswith("its held-out places are bin; those of the released weights are street")


def test_promotion_releases_weights_and_card_and_a_worse_candidate_changes_nothing(
    evaluated: tuple[ModelCard, Path, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, output, _ = evaluated
    assert promote("raw", output, tmp_path) == card
    assert read_card("raw", tmp_path) == card
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"raw.safetensors", "raw.json"}

    def worse(*arguments: Any) -> list[str]:
        return ["it is worse"]

    monkeypatch.setattr("training.evaluate.gate.objections", worse)
    with pytest.raises(ValueError, match=r"(?s)raw stays out.*it is worse"):
        promote("raw", output, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_a_candidate_there_is_nothing_to_promote(tmp_path: Path, write_model: WriteModel) -> None:
    folder = write_model()
    card_path("raw", folder).unlink()
    with pytest.raises(FileNotFoundError):
        promote("raw", folder, tmp_path)
