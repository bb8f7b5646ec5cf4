"""The README's table is the one of the model cards."""

from pathlib import Path

import pytest

from scripts.readme_table import BEGIN, END, README, main, put_table, render_table
from training.evaluate.card import Calibration, ModelCard, card_path, read_card, sha256, write_card
from training.evaluate.metrics import EIGHT
from training.evaluate.report_types import (
    ClassReport,
    DuplicateReport,
    ListReport,
    OtherThingsReport,
    PlacesMean,
    PlacesReport,
    SelectiveReport,
)
from training.models.model_types import NETWORK_MODELS


def _card(model_type: str, accuracy: float, digest: str = "0") -> ModelCard:
    report = ListReport(
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
        other_things=OtherThingsReport(count=9, auroc=0.9123, flagged=0.5, over_99=0),
    )


def test_a_row_says_what_the_card_says() -> None:
    header, rule, row, *_ = render_table([_card("raw", 0.88)]).splitlines()
    assert row.startswith("| `raw` | 2.6 M | 0.880 [0.850, 0.910] | ")
    assert row.endswith(" | not measured | 0.021 | 0.912 |")
    assert header.count("|") == rule.count("|") == row.count("|")


def test_a_row_has_the_mean_over_held_out_places() -> None:
    mean = PlacesMean(places=3, accuracy=0.5432, balanced_accuracy=0.5, sure=0.4, right_when_sure=0.8)
    places = PlacesReport(places={}, mean=mean, held_out=("bin",), held_out_mean=mean)
    row = render_table([_card("raw", 0.88).model_copy(update={"places": places})]).splitlines()[2]
    assert row.endswith(" | 0.543 (mean of 3 held-out places) | 0.021 | 0.912 |")


def test_the_small_print_names_near_copies_the_rarest_class_and_sure_answers_about_other_things() -> None:
    card = _card("raw", 0.88)
    test = card.metrics["test"]
    rare = test.per_class["cup"].model_copy(update={"recall": 0.25, "support": 7})
    without = DuplicateReport(left_out=10, metrics=dict.fromkeys(EIGHT, 0.87))
    report = test.model_copy(update={"per_class": {**test.per_class, "plate": rare}, "without_duplicates": without})
    table = render_table([card.model_copy(update={"metrics": {"test": report}})])
    assert table.splitlines()[-1] == (
        "- `raw`: accuracy 0.870 excluding 10 near-duplicates of training images; recall of plate 0.250 "
        "(7 photos); 0.0% of out-of-distribution images get confidence > 0.99."
    )


def test_only_what_stands_between_the_markers_changes() -> None:
    text = f"before\n{BEGIN}\nold \\1 row\n{END}\nafter\n"
    assert put_table(text, "new \\1 row") == f"before\n{BEGIN}\nnew \\1 row\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_text_without_its_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        put_table(text, "row")


def test_the_command_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n{BEGIN}\n{END}\n", encoding="utf-8")
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


def test_the_table_of_the_readme_is_the_one_of_the_shipped_cards() -> None:
    missing = [str(card_path(model_type)) for model_type in NETWORK_MODELS if not card_path(model_type).exists()]
    if missing:
        pytest.skip(f"{' and '.join(missing)} are not there yet: train, evaluate and promote the weights")
    table = render_table([read_card(model_type) for model_type in NETWORK_MODELS])
    text = README.read_text(encoding="utf-8")
    assert put_table(text, table) == text, "run python -m scripts.readme_table"
