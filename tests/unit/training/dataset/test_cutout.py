"""Things are cut out of photos with a plain background, and of no others."""

import numpy as np

from training.dataset.cutout import cut_out


def board(size: int = 120) -> np.ndarray:
    """Draw a pale board whose light falls off to one side."""
    slope = np.linspace(210, 170, size)[None, :, None] * np.ones((size, 1, 3))
    return (slope + np.random.default_rng(1).normal(0, 1.5, slope.shape)).clip(0, 255).astype(np.uint8)


def test_a_thing_on_a_board_is_cut_out() -> None:
    photo = board()
    photo[40:90, 30:70] = (20, 90, 40)
    mask = cut_out(photo)
    assert mask is not None
    truth = np.zeros((120, 120), dtype=bool)
    truth[40:90, 30:70] = True
    assert mask[truth].mean() > 0.9
    assert mask[~truth].mean() < 0.02


def test_an_empty_board_has_no_thing() -> None:
    assert cut_out(board()) is None


def test_a_busy_background_is_not_cut() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    assert cut_out(noise) is None


def test_specks_are_no_part_of_the_thing() -> None:
    photo = board()
    photo[40:90, 30:70] = (20, 90, 40)
    photo[100:108, 100:108] = (0, 0, 0)
    mask = cut_out(photo)
    assert mask is not None
    assert mask[100:108, 100:108].max() < 0.1
