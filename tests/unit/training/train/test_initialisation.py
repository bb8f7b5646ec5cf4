"""What a network starts from: nothing, a file, or torchvision's ImageNet weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet50_Weights, resnet50

from training.models.build import build_network
from training.train.initialisation import initial_state, initialise


@pytest.fixture(scope="module")
def imagenet() -> dict[str, torch.Tensor]:
    """What torchvision hands out, with random values: ResNet-50 with a head of 1000 classes."""
    torch.manual_seed(5)
    return dict(resnet50(num_classes=1000).state_dict())


@pytest.mark.parametrize("choice", [None, "none"])
def test_none_is_random(choice: str | None) -> None:
    assert initial_state(choice) is None


def test_imagenet_is_torchvisions_with_its_hash_checked_and_only_the_head_stays_random(
    imagenet: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def get_state_dict(weights: ResNet50_Weights, **options: Any) -> dict[str, torch.Tensor]:
        asked.update(options, weights=weights)
        return imagenet

    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", get_state_dict)
    state = initial_state("imagenet")
    assert asked["check_hash"] is True
    assert asked["weights"] is ResNet50_Weights.IMAGENET1K_V2
    assert state is not None
    network = build_network("pretrained", 6)
    assert initialise(network, state) == ["fc.weight", "fc.bias"]
    torch.testing.assert_close(network.state_dict()["layer4.2.conv3.weight"], imagenet["layer4.2.conv3.weight"])
    torch.testing.assert_close(network.state_dict()["bn1.running_var"], imagenet["bn1.running_var"])


def test_a_failed_download_says_where_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_state_dict(weights: ResNet50_Weights, **options: Any) -> None:
        raise RuntimeError("invalid hash value")

    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", get_state_dict)
    with pytest.raises(ValueError, match=r"https://download\.pytorch\.org/.*invalid hash value.*--init FILE"):
        initial_state("imagenet")


@pytest.mark.parametrize("wrapping", [None, "state_dict", "model"])
def test_a_file_of_pytorch_is_taken_bare_or_wrapped(
    imagenet: dict[str, torch.Tensor], tmp_path: Path, wrapping: str | None
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({wrapping: imagenet, "epoch": 3} if wrapping else imagenet, path)
    state = initial_state(str(path))
    assert state is not None
    assert state.keys() == imagenet.keys()


def test_a_safetensors_file_is_taken(imagenet: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(imagenet, path)
    state = initial_state(str(path))
    assert state is not None
    torch.testing.assert_close(state["conv1.weight"], imagenet["conv1.weight"])


def test_a_file_that_runs_code_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"conv1.weight": _Dangerous()}, path)
    with pytest.raises(Exception, match=r"[Ww]eights only"):
        initial_state(str(path))


def test_a_missing_file_says_what_init_takes(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="imagenet, none or a file"):
        initial_state(str(tmp_path / "nothing.pth"))


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="no tensor that fits"):
        initialise(build_network("raw", 6), {"encoder.weight": torch.zeros(3, 3)})


class _Dangerous:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must never run",)
