"""The README's tables are those of the model cards."""

from pathlib import Path

import pytest

from scripts.readme_table import README, main, put_tables, render_models, render_places
from training.evaluate.card import Calibration, ModelCard, card_path, read_card, sha256, write_card
from training.evaluate.metrics import EIGHT
from training.evaluate.report_types import (
    ClassReport,
    DuplicateReport,
    OutOfDistributionReport,
    PlaceReport,
    PlacesMean,
    PlacesReport,
    SelectiveReport,
    SplitReport,
)
from training.models.model_types import NETWORK_MODELS


def _card(model_type: str, accuracy: float, digest: str = "0") -> ModelCard:
    report = SplitReport(
        count=431,
        metrics=dict.fromkeys(EIGHT, accuracy),
        intervals=dict.fromkeys(EIGHT, (accuracy - 0.03, accuracy + 0.03)),
        per_class={"cup": ClassReport(precision=1, recall=1, f1=1, f1_interval=(1, 1), support=431)},
        confusion=((431,),),
        mean_confidence=0.9,
        log_loss=0.1,
        ece=0.0213,
        ece_uncalibrated=0.1,
        selective=SelectiveReport(flagged=0.1, accuracy_of_rest=0.95, mistakes_flagged=0.5),
    )
    return ModelCard(
        model_type=model_type,
        classes=("cup",),
        weights_sha256=digest,
        parameters=2_589_094,
        preprocessing={},
        date="2026-11-23",
        training={},
        calibration=Calibration(temperature=1, confidence_threshold=0.5),
        metrics={"test": report, "web_heldout": report},
        out_of_distribution=OutOfDistributionReport(count=9, auroc=0.9123, flagged=0.5, over_99=0),
    )


MARKERS = "".join(f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in ("models", "places"))


def _places(accuracy: float, right_when_sure: float | None) -> PlacesReport:
    place = PlaceReport(
        count=40,
        accuracy=accuracy,
        balanced_accuracy=accuracy,
        sure=0.25,
        right_when_sure=right_when_sure,
        confusion=((40,),),
    )
    mean = PlacesMean(
        places=1, accuracy=accuracy, balanced_accuracy=accuracy, sure=0.25, right_when_sure=right_when_sure
    )
    return PlacesReport(places={"a_bin": place, "sea": place}, mean=mean, held_out=("sea",), held_out_mean=mean)


def test_a_row_says_what_the_card_says() -> None:
    header, rule, row, *_ = render_models([_card("raw", 0.88)]).splitlines()
    assert row.startswith("| `raw` | 2.6 M | 0.880 [0.850, 0.910] | ")
    assert row.endswith(" | not measured | 0.912 |")
    assert header.count("|") == rule.count("|") == row.count("|")


def test_a_row_has_the_mean_over_held_out_places() -> None:
    card = _card("raw", 0.88).model_copy(update={"places": _places(0.5432, 0.8)})
    assert render_models([card]).splitlines()[2].endswith(" | 0.543 (mean of 1) | 0.912 |")


def test_the_small_print_names_near_duplicates_the_rarest_class_and_sure_answers_out_of_distribution() -> None:
    card = _card("raw", 0.88)
    test = card.metrics["test"]
    rare = test.per_class["cup"].model_copy(update={"recall": 0.25, "support": 7})
    without = DuplicateReport(left_out=10, metrics=dict.fromkeys(EIGHT, 0.87))
    report = test.model_copy(update={"per_class": {**test.per_class, "plate": rare}, "without_duplicates": without})
    table = render_models([card.model_copy(update={"metrics": {"test": report}})])
    assert " ".join(table[table.index("- `raw`") :].split()) == (
        "- `raw`: 0.870 excluding 10 near-duplicates of training images; recall of plate 0.250 (7 images); "
        "calibration error 0.021; 0.0% of out-of-distribution images get confidence > 0.99."
    )


def test_each_place_has_a_row_with_accuracy_and_sure_answers() -> None:
    cards = [_card("raw", 0.88), _card("pretrained", 0.91)]
    cards = [
        cards[0].model_copy(update={"places": _places(0.5, 0.75)}),
        cards[1].model_copy(update={"places": _places(0.6, None)}),
    ]
    assert render_places(cards).splitlines() == [
        "| place | images | `raw` | `pretrained` |",
        "|---|---|---|---|",
        "| test split, white board | 431 | 0.88 (sure 90%, of those right 0.95) "
        "| 0.91 (sure 90%, of those right 0.95) |",
        "| a bin | 40 | 0.50 (sure 25%, of those right 0.75) | 0.60 (sure 25%) |",
        "| sea (held out) | 40 | 0.50 (sure 25%, of those right 0.75) | 0.60 (sure 25%) |",
    ]


def test_a_place_that_one_card_lacks_and_cards_without_places() -> None:
    cards = [_card("raw", 0.88).model_copy(update={"places": _places(0.5, 0.75)}), _card("pretrained", 0.91)]
    assert render_places(cards).splitlines()[3].endswith(" | not measured |")
    assert render_places(cards[1:]).splitlines()[-1] == "| other places |  | not measured |"


def test_only_what_stands_between_the_markers_changes() -> None:
    text = f"before\n{MARKERS}after\n"
    changed = put_tables(text, [_card("raw", 0.88)])
    assert changed.startswith("before\n<!-- models:begin -->\n\n| model |")
    assert changed.endswith(" |\n\n<!-- places:end -->\nafter\n")


@pytest.mark.parametrize("text", ["", MARKERS[1:], MARKERS * 2, "<!-- models:begin -->\n<!-- models:end -->"])
def test_a_text_without_its_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        put_tables(text, [_card("raw", 0.88)])


def test_the_command_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n{MARKERS}", encoding="utf-8")
    options = ["--readme", str(readme), "--weights", str(tmp_path)]
    assert main(options) == 1
    assert "is missing" in capsys.readouterr().err
    for model_type, accuracy in (("raw", 0.88), ("pretrained", 0.91)):
        weights = tmp_path / f"{model_type}.safetensors"
        weights.write_bytes(model_type.encode())
        write_card(_card(model_type, accuracy, sha256(weights)), tmp_path)
    assert main([*options, "--check"]) == 1
    assert main(options) == 0
    assert main([*options, "--check"]) == 0
    assert "`pretrained` | 2.6 M | 0.910" in readme.read_text(encoding="utf-8")


def test_the_tables_of_the_readme_are_those_of_the_released_cards() -> None:
    missing = [str(card_path(model_type)) for model_type in NETWORK_MODELS if not card_path(model_type).exists()]
    if missing:
        pytest.skip(f"{' and '.join(missing)} are not there yet: train, evaluate and promote the weights")
    text = README.read_text(encoding="utf-8")
    assert put_tables(text, [read_card(model_type) for model_type in NETWORK_MODELS]) == text, (
        "run bin-it-right dev readme-table"
    )


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150
