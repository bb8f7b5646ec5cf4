"""Augmentation of batches: what each part may change, and that a seed decides all of it."""

import pytest
import torch
from torch.nn import functional

from training.dataset.augmentation import affine, colour, erase, mix
from training.train.recipes import Augmentation


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.rand((8, 3, 40, 40), generator=torch.Generator().manual_seed(1)) * 255


def test_without_strength_a_view_is_the_picture_or_its_mirror_image(
    pixels: torch.Tensor, generator: torch.Generator
) -> None:
    views = affine(pixels, 40, Augmentation(), generator)
    kinds = set()
    for picture, view in zip(pixels, views, strict=True):
        same, mirrored = (bool(((view - other).abs() < 0.1).all()) for other in (picture, picture.flip(-1)))
        assert same or mirrored
        kinds.add(same)
    assert kinds == {True, False}


def test_quarter_turns_show_the_picture_in_all_eight_positions(generator: torch.Generator) -> None:
    picture = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(1)) * 255
    views = affine(picture.expand(64, -1, -1, -1), 16, Augmentation(quarter_turns=True), generator)
    positions = [side.rot90(turns, (1, 2)) for side in (picture[0], picture[0].flip(-1)) for turns in range(4)]
    found = {
        next(place for place, position in enumerate(positions) if ((view - position).abs() < 0.2).all())
        for view in views
    }
    assert found == set(range(8))


def test_a_view_has_the_size_that_was_asked_for_and_no_value_out_of_range(
    pixels: torch.Tensor, generator: torch.Generator
) -> None:
    settings = Augmentation(min_area=0.2, max_ratio=2, quarter_turns=True, degrees=30)
    views = affine(pixels, 24, settings, generator)
    assert views.shape == (8, 3, 24, 24)
    assert float(views.min()) >= 0
    assert float(views.max()) <= 255


def test_a_smaller_area_enlarges(generator: torch.Generator) -> None:
    ramp = torch.linspace(0, 255, 64).expand(1, 3, 64, 64)
    views = affine(ramp.expand(32, -1, -1, -1), 64, Augmentation(min_area=0.1), generator)
    spans = views[:, 0, 32].amax(dim=1) - views[:, 0, 32].amin(dim=1)
    assert float(spans.min()) < 160
    assert float(spans.max()) <= 255


def test_colour_without_strength_changes_nothing(pixels: torch.Tensor, generator: torch.Generator) -> None:
    torch.testing.assert_close(colour(pixels, Augmentation(), generator), pixels, atol=1e-2, rtol=0)


def test_colour_stays_in_range_and_keeps_to_its_strength(pixels: torch.Tensor, generator: torch.Generator) -> None:
    changed = colour(pixels, Augmentation(brightness=0.1), generator)
    factors = changed.mean(dim=(1, 2, 3)) / pixels.mean(dim=(1, 2, 3))
    assert float(factors.min()) > 0.85
    assert float(factors.max()) < 1.15
    assert float(factors.std()) > 0.01
    wild = colour(pixels, Augmentation(brightness=0.9, contrast=0.9, saturation=3, channel_gain=0.5), generator)
    assert float(wild.min()) >= 0
    assert float(wild.max()) <= 255


def test_erasing_hits_the_share_of_pictures(generator: torch.Generator) -> None:
    images = torch.ones(200, 3, 20, 20)
    erased = erase(images.clone(), Augmentation(erase=0.5), generator)
    hit = (erased == 0).any(dim=(1, 2, 3)) if erased.dim() == 1 else (erased == 0).flatten(1).any(dim=1)
    assert 70 < int(hit.sum()) < 130
    assert torch.equal(erase(images.clone(), Augmentation(), generator), images)


@pytest.mark.parametrize("settings", [Augmentation(mixup=1.0), Augmentation(cutmix=1.0)])
def test_mixed_targets_are_the_shares_of_the_pixels(settings: Augmentation, generator: torch.Generator) -> None:
    labels = torch.tensor([0, 1])
    # A picture of the class's own number: the mean of a mixed one says how much of each class is in it.
    images = labels.float().view(2, 1, 1, 1).expand(2, 3, 32, 32).contiguous()
    targets = functional.one_hot(labels, 2).float()
    seen = set()
    for _ in range(30):
        mixed, shares = mix(images, targets, settings, generator)
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(2))
        torch.testing.assert_close(mixed.mean(dim=(1, 2, 3)), shares[:, 1], atol=1e-5, rtol=0)
        seen.add(round(float(shares[0, 0]), 3))
    assert len(seen) > 5


def test_mixing_without_a_share_returns_what_it_got(generator: torch.Generator) -> None:
    images, targets = torch.rand(4, 3, 8, 8), torch.eye(4)
    mixed, shares = mix(images, targets, Augmentation(), generator)
    assert mixed is images
    assert shares is targets


def test_a_seed_decides_everything(pixels: torch.Tensor) -> None:
    settings = Augmentation(
        min_area=0.5, quarter_turns=True, degrees=10, brightness=0.2, contrast=0.2, saturation=0.2, erase=0.5,
        mixup=0.5, cutmix=0.5,
    )  # fmt: skip

    def once(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        views = colour(affine(pixels, 32, settings, generator), settings, generator)
        return mix(erase(views, settings, generator), torch.eye(8), settings, generator)

    for first, second in zip(once(3), once(3), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(once(3)[0], once(4)[0])
