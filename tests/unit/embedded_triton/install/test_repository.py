"""What the embedded server reads of a model repository before it starts."""

import codecs
import shutil
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


def test_a_flipped_byte_in_an_export_is_noticed(repository: Path) -> None:
    file = repository / "raw_cnn" / "1" / "model.pt"
    content = bytearray(file.read_bytes())
    content[content.index(b"weights")] ^= 1
    file.write_bytes(content)
    with pytest.raises(RepositoryError, match=rf"{file} is damaged: .*`rm {file}`, then `bin-it-right export`"):
        read_repository(repository)


def test_an_export_that_was_cut_off_is_noticed(repository: Path) -> None:
    file = repository / "raw_cnn" / "1" / "model.pt"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(RepositoryError, match="is damaged"):
        read_repository(repository)


def test_labels_with_a_byte_order_mark_are_refused(repository: Path) -> None:
    file = repository / "raw" / "labels.txt"
    file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    with pytest.raises(RepositoryError, match=r"raw/labels\.txt begins with a byte order mark"):
        read_repository(repository)


def test_hidden_folders_and_others_are_no_models(repository: Path) -> None:
    (repository / "lost+found").mkdir()
    shutil.copytree(repository / "raw", repository / ".raw")
    names = {folder.name for folder in read_repository(repository).models}
    assert names == {"preprocess", "raw_cnn", "resnet50", "raw", "pretrained", "raw_explain", "pretrained_explain"}


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="0 ensembles"):
        read_repository(tmp_path)


def test_a_profile_says_how_many_of_each_model_there_are(repository: Path) -> None:
    assert read_repository(repository).instances == {"preprocess": 1, "raw_cnn": 1, "resnet50": 1}
    assert read_repository(repository, "cpu-16").instances == {"preprocess": 2, "raw_cnn": 1, "resnet50": 1}
