"""What the embedded server reads of a model repository before it starts."""

from pathlib import Path

import pytest

from embedded_triton.errors import RepositoryError
from embedded_triton.repository import read_repository


def test_ensembles_and_probe_image_are_found(repository: Path) -> None:
    found = read_repository(repository)
    assert sorted(found.ensembles) == ["pretrained", "raw"]
    assert found.probe_image.read_bytes().startswith(b"\xff\xd8")


def test_a_missing_export_is_named(repository: Path) -> None:
    (repository / "resnet50" / "1" / "model.pt").unlink()
    with pytest.raises(RepositoryError, match=r"resnet50 has no model\.pt.*bin-it-right export"):
        read_repository(repository)


def test_a_broken_configuration_is_named(repository: Path) -> None:
    (repository / "raw" / "config.pbtxt").write_text("name: ")
    with pytest.raises(RepositoryError, match=r"raw/config\.pbtxt can not be parsed"):
        read_repository(repository)


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="0 ensembles"):
        read_repository(tmp_path)
