"""Export: TorchScript with the answers of the eager network, written whole, and only when it has to be."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.torchscript import read_exported
from tests.unit.training.conftest import WriteModel
from training.dataset.classes import MODEL_REPOSITORY
from training.dataset.preprocessing import normalise
from training.dataset.specification import load_specification
from training.evaluate.card import read_card, write_card
from training.evaluate.released import load_released
from training.export import torchscript
from training.export.torchscript import TOLERANCES, ensure_exported, export_network
from training.models.build import build_network
from training.models.calibrated import CalibratedNetwork
from training.models.model_types import NETWORK_MODELS

SPECIFICATION = load_specification()


def noise(photos: int) -> torch.Tensor:
    """Pixels of so many photos that show nothing."""
    generator = torch.Generator().manual_seed(9)
    size = (photos, 3, SPECIFICATION.size, SPECIFICATION.size)
    return torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of the model repository without exports."""
    copy = tmp_path / "model_repository"
    shutil.copytree(MODEL_REPOSITORY, copy, ignore=shutil.ignore_patterns("model*.pt"))
    return copy


@pytest.fixture
def weights(write_model: WriteModel) -> Path:
    """Random weights of both model types."""
    folder = Path()
    for model_type in NETWORK_MODELS:
        folder = write_model(model_type)
    return folder


def test_both_networks_are_exported_and_answer_like_the_eager_ones(repository: Path, weights: Path) -> None:
    written = ensure_exported(repository, weights)
    assert written == [repository / model / "1" / "model.pt" for model in NETWORK_MODELS.values()]
    pixels = noise(3)
    for model_type, path in zip(NETWORK_MODELS, written, strict=True):
        eager, _ = load_released(model_type, weights)
        exported = read_exported(path)
        with torch.inference_mode():
            answers, maps = exported(pixels)
            expected = eager(normalise(pixels, SPECIFICATION))
            torch.testing.assert_close(answers, expected, atol=TOLERANCES["single"], rtol=0)
        assert maps.shape == (3, 6, 6, 6)
        torch.testing.assert_close(answers.sum(dim=1), torch.ones(3), atol=1e-3, rtol=0)
        assert not exported.training
    assert ensure_exported(repository, weights) == []


def test_single_precision_is_single_on_a_gpu_too(repository: Path, weights: Path) -> None:
    before = torch.backends.cudnn.allow_tf32
    for path in ensure_exported(repository, weights):
        graph: Any = read_exported(path).inlined_graph  # its methods have no types
        convolutions = graph.findAllNodes("aten::_convolution")
        assert convolutions
        # The last of its arguments is allow_tf32, as it was when the network was traced.
        assert {list(node.inputs())[-1].toIValue() for node in convolutions} == {False}
    assert torch.backends.cudnn.allow_tf32 == before


def test_half_precision_is_another_export_with_the_same_interface(repository: Path, weights: Path) -> None:
    raw = {"raw": NETWORK_MODELS["raw"]}
    (path,) = ensure_exported(repository, weights, raw, precision="half")
    assert ensure_exported(repository, weights, raw, precision="half") == []
    eager, _ = load_released("raw", weights)
    pixels = noise(2)
    exported = read_exported(path)
    with torch.inference_mode():
        answers, maps = exported(pixels)
        difference = (answers - eager(normalise(pixels, SPECIFICATION))).abs().max()
    assert {tensor.dtype for tensor in exported.state_dict().values() if tensor.is_floating_point()} == {torch.half}
    assert (answers.dtype, maps.dtype) == (torch.float32, torch.float32)
    assert 0 < difference <= TOLERANCES["half"]
    assert ensure_exported(repository, weights, raw) == [path]  # and back


def test_the_temperature_of_the_card_is_inside(weights: Path) -> None:
    served, card = load_released("raw", weights)
    assert card.calibration.temperature == 1.5
    images = normalise(noise(2), SPECIFICATION)
    with torch.inference_mode():
        torch.testing.assert_close(served(images), torch.softmax(served.network(images) / 1.5, dim=1))


def test_another_calibration_or_other_weights_are_exported_anew(
    repository: Path, weights: Path, write_model: WriteModel
) -> None:
    ensure_exported(repository, weights)
    card = read_card("raw", weights)
    calibration = card.calibration.model_copy(update={"temperature": 2.0})
    write_card(card.model_copy(update={"calibration": calibration}), weights)
    assert ensure_exported(repository, weights) == [repository / "raw_cnn" / "1" / "model.pt"]
    write_model("pretrained", seed=1)
    assert ensure_exported(repository, weights) == [repository / "resnet50" / "1" / "model.pt"]


def test_half_an_export_is_made_anew(repository: Path, weights: Path) -> None:
    path = ensure_exported(repository, weights)[0]
    path.write_bytes(path.read_bytes()[:-200])
    assert ensure_exported(repository, weights) == [path]


def test_an_export_that_answers_otherwise_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = CalibratedNetwork(build_network("raw", 6), 1.0).eval()
    path = tmp_path / "model.pt"
    path.write_bytes(b"the one before")
    monkeypatch.setitem(torchscript.TOLERANCES, "single", -1.0)
    with pytest.raises(ValueError, match="differs from the network"):
        export_network(served, path, specification=SPECIFICATION, fingerprint="{}")
    assert path.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_export_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = CalibratedNetwork(build_network("raw", 6), 1.0).eval()
    path = tmp_path / "model.pt"
    path.write_bytes(b"the one before")

    def save(module: object, name: str, **options: object) -> None:
        Path(name).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.jit, "save", save)
    with pytest.raises(KeyboardInterrupt):
        export_network(served, path, specification=SPECIFICATION, fingerprint="{}")
    assert path.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_weights_for_other_classes_or_another_preprocessing_are_refused(repository: Path, weights: Path) -> None:
    card = read_card("raw", weights)
    write_card(card.model_copy(update={"preprocessing": card.preprocessing | {"size": 64}}), weights)
    with pytest.raises(ValueError, match="another preprocessing"):
        ensure_exported(repository, weights)
    (repository / "labels.txt").write_text("cup\nplate\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"labels\.txt says \['cup', 'plate'\]"):
        ensure_exported(repository, weights)
