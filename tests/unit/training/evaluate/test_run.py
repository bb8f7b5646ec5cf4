"""Evaluation from weights to card, on drawn photos."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.support.drawn_dataset import SPLIT_SIZES
from training.dataset.entries import load_photos, read_entries
from training.dataset.preprocessing import normalise
from training.dataset.specification import load_specification
from training.evaluate.card import ModelCard, read_card, weights_path
from training.evaluate.metrics import eight_metrics
from training.evaluate.released import load_released
from training.evaluate.run import Sources, evaluate
from training.evaluate.summary import describe_card
from training.train.precision import has_bfloat16


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
