"""Tuning profiles are read, checked, and named."""

from pathlib import Path

import pytest

from training.export.profiles import DEFAULT, load_profiles

PROFILE = """
machine = "a machine"
basis = "reasoned"
[preprocess]
max_batch_size = 4
[network]
max_batch_size = 4
"""


def test_those_that_ship_are_the_ones_that_the_documents_name() -> None:
    assert sorted(load_profiles()) == ["cpu-16", DEFAULT, "h100", "l4"]


def test_what_is_not_said_stays_as_the_backend_has_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE, encoding="utf-8")
    tuning = load_profiles(tmp_path)["mine"].preprocess
    assert (tuning.instances, tuning.threads, tuning.preferred_batch_sizes) == (1, None, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "machine =",
        PROFILE.replace("reasoned", "guessed"),
        f"{PROFILE}queue = 8",
        f"{PROFILE}preferred_batch_sizes = [2, 5]",
        f"{PROFILE}preferred_batch_sizes = [0]",
        f"{PROFILE}[networks.resnet50]\npreferred_batch_sizes = [5]",
        f"{PROFILE}[networks.resnet50]\nbatches = 5",
        f"{PROFILE}[networks.resnet18]\ninstances = 2",
    ],
)
def test_a_wrong_profile_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.toml"):
        load_profiles(tmp_path)


def test_one_network_may_be_turned_otherwise(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f"{PROFILE}[networks.resnet50]\ninstances = 2", encoding="utf-8")
    profile = load_profiles(tmp_path)["mine"]
    assert profile.tuning_of("raw_cnn") == profile.network
    assert profile.tuning_of("resnet50") == profile.network.model_copy(update={"instances": 2})
