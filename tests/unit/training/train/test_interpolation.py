"""Weights between two trained networks."""

import pytest
import torch

from training.train.interpolation import interpolate

OLD = {"fc.weight": torch.zeros(2, 3).half(), "bn.num_batches_tracked": torch.tensor(5)}
NEW = {"fc.weight": torch.full((2, 3), 4.0), "bn.num_batches_tracked": torch.tensor(9)}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (0.25, 1.0), (1.0, 4.0)])
def test_weights_lie_on_the_line(share: float, expected: float) -> None:
    between = interpolate(OLD, NEW, share)
    torch.testing.assert_close(between["fc.weight"], torch.full((2, 3), expected))
    assert int(between["bn.num_batches_tracked"]) == 9


def test_other_networks_and_other_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        interpolate(OLD, NEW, 1.5)
    with pytest.raises(ValueError, match="same network"):
        interpolate(OLD, {"fc.weight": torch.zeros(3, 3)}, 0.5)
