"""What the embedded server reads of a model repository before it starts."""

from pathlib import Path

import pytest

from embedded_triton.errors import RepositoryError
from embedded_triton.install.repository import read_repository


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
    with pytest.raises(RepositoryError, match=r"raw/config\.pbtxt cannot be parsed"):
        read_repository(repository)


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="0 ensembles"):
        read_repository(tmp_path)


def test_a_profile_that_needs_another_export_says_how_to_make_it(repository: Path) -> None:
    assert read_repository(repository, "cpu-16").ensembles
    with pytest.raises(RepositoryError, match=r"raw_cnn has no model\.int8\.pt in .*/1.*export --int8"):
        read_repository(repository, "cpu-int8")


def test_a_profile_says_how_many_of_each_model_there_are(repository: Path) -> None:
    assert read_repository(repository).instances == {"preprocess": 1, "raw_cnn": 1, "resnet50": 1}
    assert read_repository(repository, "cpu-16").instances == {"preprocess": 2, "raw_cnn": 3, "resnet50": 3}
