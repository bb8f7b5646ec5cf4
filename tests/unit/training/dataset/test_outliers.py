"""General pictures of the named kinds become photos of none of the classes."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.pictures import bottle, encode
from training.dataset.outliers import GENERAL, general_outliers
from training.train.recipes import Outliers


@pytest.fixture
def general(tmp_path: Path) -> Path:
    image = encode(bottle(32, 32), "WEBP")
    labels = [f"n0{kind}{row % 10}" for kind in (1, 2, 3) for row in range(20)]
    path = tmp_path / "general.parquet"
    rows = {"image": [image] * 60, "label": labels, "source": [f"{row}.jpg" for row in range(60)]}
    pa.parquet.write_table(pa.table(rows), path)
    return path


def test_only_the_named_kinds_are_drawn_and_a_seed_decides(general: Path) -> None:
    settings = Outliers(count=12, kinds=("n01", "n035"))
    drawn = general_outliers(general, settings, seed=1)
    assert len({entry.name for entry in drawn}) == 12
    assert {(entry.label, entry.place) for entry in drawn} == {("", GENERAL)}
    rows = {int(entry.name.removesuffix(".jpg")) for entry in drawn}
    assert rows <= {*range(20), 45, 55}
    assert drawn == general_outliers(general, settings, seed=1)
    assert drawn != general_outliers(general, settings, seed=2)


def test_too_few_pictures_are_refused(general: Path) -> None:
    with pytest.raises(ValueError, match="has 20 pictures of the recipe's kinds, and it wants 21"):
        general_outliers(general, Outliers(count=21, kinds=("n02",)), seed=1)
