"""Model cards: tied to their weights, checked when they are read."""

import json
from pathlib import Path

import pytest

from tests.unit.training.conftest import WriteModel
from training.dataset.classes import read_classes
from training.evaluate.card import WEIGHTS, card_path, read_card, weights_path, write_card
from training.evaluate.report_types import PrecisionReport
from training.models.model_types import NETWORK_MODELS


def test_a_card_comes_back_as_it_was_written(write_model: WriteModel) -> None:
    folder = write_model()
    card = read_card("raw", folder)
    write_card(card, folder)
    assert read_card("raw", folder) == card
    assert card_path("raw", folder).read_text(encoding="utf-8").endswith("}\n")


def test_a_card_of_other_weights_is_refused(write_model: WriteModel) -> None:
    folder = write_model()
    with weights_path("raw", folder).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match="other weights"):
        read_card("raw", folder)


def test_a_missing_card_or_missing_weights_say_what_to_do(write_model: WriteModel, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train it with `make train`"):
        read_card("raw", tmp_path / "nowhere")
    folder = write_model()
    weights_path("raw", folder).unlink()
    with pytest.raises(FileNotFoundError, match=r"raw\.safetensors"):
        read_card("raw", folder)


def test_a_card_from_when_there_were_8_bits_is_read(write_model: WriteModel) -> None:
    folder = write_model()
    path = card_path("raw", folder)
    before = read_card("raw", folder)
    text = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(text | {"int8": {"ranges": {}, "photos": 2, "lists": {}}}), encoding="utf-8")
    assert read_card("raw", folder) == before


@pytest.mark.parametrize(("lost", "allowed"), [(0.0, True), (0.0019, True), (0.0021, False), (-0.01, True)])
def test_bfloat16_may_cost_a_fifth_of_a_point(lost: float, allowed: bool) -> None:
    card = read_card("raw")
    reports = {
        name: PrecisionReport(accuracy=report.metrics["accuracy"] - lost, balanced_accuracy=0.9, changed=1)
        for name, report in card.metrics.items()
    }
    assert card.model_copy(update={"bfloat16": reports}).allows_bfloat16() == allowed
    assert card.model_copy(update={"bfloat16": None}).allows_bfloat16()


@pytest.mark.parametrize(
    ("change", "named"), [({"calibration": {}}, "temperature"), ({"smell": 3}, "smell"), ({"classes": 3}, "classes")]
)
def test_a_malformed_card_names_what_is_wrong(write_model: WriteModel, change: dict[str, object], named: str) -> None:
    folder = write_model()
    path = card_path("raw", folder)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"(?s)no model card.*{named}"):
        read_card("raw", folder)


@pytest.mark.parametrize("model_type", NETWORK_MODELS)
def test_the_released_cards_are_whole_and_tell_no_paths_of_a_machine(model_type: str) -> None:
    if not card_path(model_type).exists():
        pytest.skip(f"{card_path(model_type)} is not there yet: train, evaluate and promote the weights")
    card = read_card(model_type)
    assert card.classes == read_classes()
    assert {"val", "test", "web_heldout"} <= set(card.metrics)
    assert card.out_of_distribution is not None
    assert card.drift_reference is not None
    assert all(report.without_duplicates is not None for report in card.metrics.values())
    text = card_path(model_type).read_text(encoding="utf-8")
    assert not any(f"{quote}/" in text for quote in (' "', " ", "="))


def test_the_weights_are_found_from_anywhere() -> None:
    assert WEIGHTS.is_absolute()
