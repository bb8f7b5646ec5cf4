"""The parts of an epoch: learning rate, sampling, inference."""

import pytest
import torch

from training.dataset.entries import load_photos
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.models.build import build_network
from training.train.engine import batches, learning_rate_factor, predict_logits
from training.train.precision import has_bfloat16
from training.train.recipes import Recipe, Stage


def _recipe(**values: object) -> Recipe:
    return Recipe.model_validate({"learning_rate": 0.1, "stages": (Stage(epochs=1, size=32),)} | values)


def test_the_rate_climbs_to_its_peak_and_falls_to_zero_like_a_cosine() -> None:
    rates = [learning_rate_factor(step / 1000, warmup=0.1) for step in range(1001)]
    assert rates[0] == 0
    assert rates[50] == pytest.approx(0.5)
    assert max(rates) == rates[100] == 1
    assert rates[550] == pytest.approx(0.5)
    assert rates[1000] == pytest.approx(0)
    assert rates[:101] == sorted(rates[:101])
    assert rates[100:] == sorted(rates[100:], reverse=True)


def test_without_balance_an_epoch_holds_every_photo_once() -> None:
    drawn = list(batches(12, _recipe(batch_size=4, balance=0), torch.ones(12), torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in drawn] == [4, 4, 4]
    assert sorted(torch.cat(drawn).tolist()) == list(range(12))


def test_an_incomplete_batch_is_dropped_and_none_is_none() -> None:
    generator = torch.Generator().manual_seed(0)
    assert len(list(batches(11, _recipe(batch_size=4), torch.ones(11), generator))) == 2
    assert list(batches(3, _recipe(batch_size=4), torch.ones(3), generator)) == []


def test_a_seed_decides_the_draw() -> None:
    weights = torch.rand(40, generator=torch.Generator().manual_seed(5))
    first, again, other = (
        torch.cat(list(batches(40, _recipe(batch_size=8), weights, torch.Generator().manual_seed(seed))))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_logits_do_not_depend_on_the_batches_that_they_are_computed_in(
    two_classes: tuple[list[object], list[object]], small: Specification
) -> None:
    photos = load_photos(two_classes[1], ("cup", "plate"), small.size)  # type: ignore[arg-type]
    torch.manual_seed(0)
    network = build_network("raw", 2).train()
    one, many = (predict_logits(network, photos.pixels, small, batch_size=size) for size in (1, 64))
    torch.testing.assert_close(one, many, atol=1e-4, rtol=1e-4)
    assert one.shape == (len(photos), 2)
    with torch.inference_mode():
        torch.testing.assert_close(many, network.eval()(normalise(photos.pixels, small)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("device", "capabilities", "expected"),
    [
        ("cuda", {}, True),
        ("cpu", {"avx512_bf16": True}, True),
        ("cpu", {"amx_bf16": True}, True),
        ("cpu", {"avx512_bf16": False, "amx_bf16": False, "avx2": True}, False),
    ],
)
def test_a_cpu_without_bfloat16_is_spared_its_emulation(
    monkeypatch: pytest.MonkeyPatch, device: str, capabilities: dict[str, bool], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert has_bfloat16(torch.device(device)) is expected
