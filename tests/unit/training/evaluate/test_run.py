"""Evaluation from weights to card, on drawn photos; the gate that compares two cards."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from data.parquet import write_entries
from tests.support.drawn_dataset import SPLIT_SIZES, draw
from tests.support.pictures import encode
from tests.unit.training.conftest import WriteModel
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, load_photos, read_entries
from training.dataset.preprocessing import normalise
from training.dataset.specification import load_specification
from training.evaluate.card import ModelCard, card_path, read_card, weights_path
from training.evaluate.gate import objections, promote
from training.evaluate.metrics import eight_metrics
from training.evaluate.released import load_released
from training.evaluate.run import Sources, evaluate
from training.evaluate.summary import describe_card
from training.train.precision import has_bfloat16


@pytest.fixture(scope="module")
def sources(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The toy data set; held-out drawings, one of them a training photo; drawings of nothing."""
    folder = tmp_path_factory.mktemp("extra")
    held_out = [
        Entry(encode(draw(kind, 900), "WEBP"), name, f"{name}.webp") for kind, name in enumerate(read_classes())
    ]
    seen = read_entries(toy, "train")[0]
    assert isinstance(seen.source, Path)
    held_out.append(Entry(seen.source.read_bytes(), seen.label, "seen.jpg"))
    write_entries(held_out, folder / "heldout.parquet")
    write_entries([Entry(encode(draw(0, 950), "PNG"), "shoe", "shoe.png")], folder / "other.parquet")
    (folder / "places").mkdir()
    write_entries(held_out, folder / "places" / "street.parquet")
    return Sources(
        toy,
        {"web_heldout": folder / "heldout.parquet"},
        folder / "other.parquet",
        places=folder / "places",
        held_out=("street",),
    )


@pytest.fixture(scope="module")
def evaluated(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path, list[Path]]:
    """Random weights of `raw`, evaluated once for all tests of this module."""
    from training.models.build import build_network
    from training.train.checkpoints import save_weights

    folder = tmp_path_factory.mktemp("evaluated")
    torch.manual_seed(0)
    save_weights(build_network("raw", len(read_classes())), folder / "best.safetensors")
    card, written = evaluate(
        "raw", folder / "best.safetensors", sources, folder / "out", training={"initialisation": "random"}
    )
    return card, folder / "out", written


def test_the_candidate_is_whole_and_in_half_precision(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card, output, written = evaluated
    assert read_card("raw", output) == card
    assert {tensor.dtype for tensor in load_file(weights_path("raw", output)).values()} == {torch.float16, torch.int64}
    assert all(path.exists() for path in written)
    kinds = {path.name for path in written if path.suffix == ".png"}
    assert kinds == {
        f"raw_{name}_{kind}.png"
        for name in ("val", "test", "web_heldout")
        for kind in ("confusion", "reliability", "worst")
    }


def test_every_split_is_measured_with_what_will_be_served(
    evaluated: tuple[ModelCard, Path, list[Path]], toy: Path
) -> None:
    card, output, _ = evaluated
    specification = load_specification()
    photos = load_photos(read_entries(toy, "test"), card.classes, specification.size)
    served, _ = load_released("raw", output)
    with torch.inference_mode():
        probabilities = served(normalise(photos.pixels, specification)).numpy()
    report = card.metrics["test"]
    assert report.count == SPLIT_SIZES["test"] * 6
    assert report.metrics == pytest.approx(eight_metrics(photos.labels.numpy(), probabilities.argmax(axis=1)))
    assert report.mean_confidence == pytest.approx(probabilities.max(axis=1).mean(), abs=1e-4)


def test_threshold_and_temperature_come_from_the_validation_split(
    evaluated: tuple[ModelCard, Path, list[Path]],
) -> None:
    card, _, _ = evaluated
    assert card.metrics["val"].selective.flagged == pytest.approx(0.1, abs=0.05)
    assert card.metrics["val"].log_loss <= np.log(6) + 0.01
    assert card.drift_reference is not None
    assert card.drift_reference.count == card.metrics["val"].count


@pytest.mark.skipif(not has_bfloat16(torch.device("cpu")), reason="this CPU does not multiply bfloat16 itself")
def test_the_card_says_what_bfloat16_costs_on_every_split(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card, _, _ = evaluated
    assert card.bfloat16 is not None
    assert card.bfloat16.keys() == card.metrics.keys()
    for name, of in card.bfloat16.items():
        report = card.metrics[name]
        assert abs(of.accuracy - report.metrics["accuracy"]) * report.count <= of.changed + 1e-6
    assert "accuracy in bfloat16: val " in describe_card(card)


def test_a_held_out_photo_that_was_trained_on_is_found(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    card, _, _ = evaluated
    found = card.metrics["web_heldout"].without_duplicates
    assert found is not None
    assert found.left_out == 1
    assert card.out_of_distribution is not None
    assert card.out_of_distribution.count == 1


def test_duplicates_are_looked_for_in_further_training_sets(
    sources: Sources, evaluated: tuple[ModelCard, Path, list[Path]], tmp_path: Path
) -> None:
    _, output, _ = evaluated
    held_out = sources.extra_splits["web_heldout"]
    both = Sources(sources.dataset, sources.extra_splits, extra_training=(held_out,))
    card, _ = evaluate("raw", weights_path("raw", output), both, tmp_path, training={})
    found = card.metrics["web_heldout"].without_duplicates
    assert found is not None
    assert found.left_out == card.metrics["web_heldout"].count
    assert found.metrics is None
    assert "nothing left" in describe_card(card)


def test_the_text_tells_every_split(evaluated: tuple[ModelCard, Path, list[Path]]) -> None:
    text = describe_card(evaluated[0])
    assert all(part in text for part in ("val (24 photos", "test (24 photos", "web_heldout (7 photos", "AUROC"))
    assert text.count("precision  recall") == 3


def test_other_places_stand_in_the_card_with_the_mean_over_the_held_out_ones(
    evaluated: tuple[ModelCard, Path, list[Path]],
) -> None:
    card, _, _ = evaluated
    assert card.places is not None
    street, web = card.places.places["street"], card.metrics["web_heldout"]
    assert street.count == web.count
    assert street.accuracy == pytest.approx(web.metrics["accuracy"])
    assert street.sure == pytest.approx(1 - web.selective.flagged)
    assert card.places.held_out_mean == card.places.mean
    assert "mean over held-out places" in describe_card(card)


def test_the_threshold_can_be_chosen_by_places(
    sources: Sources, evaluated: tuple[ModelCard, Path, list[Path]], tmp_path: Path
) -> None:
    _, output, _ = evaluated
    chosen = Sources(sources.dataset, places=sources.places, threshold_places=sources.places, right_when_sure=0.0)
    card, _ = evaluate("raw", weights_path("raw", output), chosen, tmp_path, training={})
    assert card.places is not None
    assert card.places.mean.sure == 1
    assert "street" in str(card.threshold_rule)


def test_contradicting_sources_are_refused(toy: Path) -> None:
    with pytest.raises(ValueError, match="not by both"):
        Sources(toy, threshold_places=toy, threshold_predictions=toy)
    with pytest.raises(ValueError, match="need the folder"):
        Sources(toy, held_out=("street",))


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
