"""One evaluation of random weights, for the tests of what it leaves and of the gate."""

from pathlib import Path

import pytest
import torch

from data.parquet import write_entries
from tests.support.drawn_dataset import draw
from tests.support.pictures import encode
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, read_entries
from training.evaluate.card import ModelCard
from training.evaluate.run import Sources, evaluate


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def evaluated(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path, list[Path]]:
    """Random weights of `raw`, evaluated once for all tests."""
    from training.models.build import build_network
    from training.train.checkpoints import save_weights

    folder = tmp_path_factory.mktemp("evaluated")
    torch.manual_seed(0)
    save_weights(build_network("raw", len(read_classes())), folder / "best.safetensors")
    card, written = evaluate(
        "raw", folder / "best.safetensors", sources, folder / "out", training={"initialisation": "random"}
    )
    return card, folder / "out", written
