"""Folders as they are: between the photos lies what operating systems and cloud drives leave."""

from pathlib import Path

from scripts.cli.classify import photos


def test_only_photos_of_a_folder_are_asked_about(tmp_path: Path) -> None:
    for name in (
        *("a.jpg", "b.heic", "sub/c.PNG", "._a.jpg", "Thumbs.db", "a.jpg:Zone.Identifier"),
        *("@eaDir/a.jpg", ".ipynb_checkpoints/a.jpg"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"photo")
    (tmp_path / "empty.jpg").touch()
    found = [str(Path(name).relative_to(tmp_path)) for name in photos.find([str(tmp_path)])]
    assert found == ["a.jpg", "b.heic", "sub/c.PNG"]
