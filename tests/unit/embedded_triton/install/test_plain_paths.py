"""What Triton is told instead of paths that a shell would take apart."""

from pathlib import Path

from embedded_triton.install.plain_paths import link_plainly


def test_odd_paths_are_reached_by_plain_ones(tmp_path: Path) -> None:
    odd = tmp_path / "My Projects (work)" / "R&D; it's $HOME"
    for folder in ("private", "repository/raw", "repository/lost+found", "libraries"):
        (odd / folder).mkdir(parents=True)
    (odd / "repository" / "raw" / "config.pbtxt").write_text("name")
    (odd / "libraries" / "libone.so").touch()
    paths = link_plainly(
        odd / "private", tmp_path / "link", models=[odd / "repository" / "raw"], library_path=[odd / "libraries"]
    )
    told = [paths.folder, paths.model_repository, *paths.library_path]
    assert all(path.is_relative_to(tmp_path / "link") for path in told)
    assert [model.name for model in paths.model_repository.iterdir()] == ["raw"]
    assert (paths.model_repository / "raw" / "config.pbtxt").read_text() == "name"
    assert (paths.library_path[0] / "libone.so").exists()
    assert {path.name for path in (odd / "private").iterdir()} == {"models", "lib0"}
