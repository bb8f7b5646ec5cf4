"""Drawings of none of the classes: the released weights say that they are not sure."""

from pathlib import Path

import pytest

from tests.support.other_things import OTHER_THINGS
from training.evaluate.predict import predict

# The released weights are sure about these all the same: the cards say how often they are about photos of none.
SURE = {("raw", "diagram"), ("raw", "screenshot")}


@pytest.mark.parametrize("model_type", ["raw", "pretrained"])
def test_released_weights_are_not_sure(model_type: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.jpg" for name in OTHER_THINGS]
    for file, draw in zip(files, OTHER_THINGS.values(), strict=True):
        draw().save(file, quality=90)
    sure = {(model_type, found.path.stem) for found in predict(model_type, files) if found.sure}
    assert sure <= SURE
