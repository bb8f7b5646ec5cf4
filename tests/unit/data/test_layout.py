"""Nothing appears by halves."""

from pathlib import Path

import pytest

from data.layout import Layout, link_or_copy, whole_or_nothing


def test_the_folders_have_their_names(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.raw("x") == tmp_path / "raw" / "x"
    assert layout.interim("x") == tmp_path / "interim" / "x"
    assert layout.processed("x") == tmp_path / "processed" / "x"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path, failure: type[BaseException]) -> None:
    target = tmp_path / "set"
    with whole_or_nothing(target) as staging:
        (staging / "old.txt").write_text("old", encoding="utf-8")

    def fail() -> None:
        with whole_or_nothing(target) as staging:
            (staging / "new.txt").write_text("half", encoding="utf-8")
            raise failure

    with pytest.raises(failure):
        fail()
    assert [path.name for path in target.iterdir()] == ["old.txt"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_whole_folder_replaces_the_one_before_and_what_a_killed_run_left(tmp_path: Path) -> None:
    target = tmp_path / "set"
    leftover = tmp_path / ".set.partial"
    leftover.mkdir()
    (leftover / "half.txt").write_text("half", encoding="utf-8")
    for name in ("first", "second"):
        with whole_or_nothing(target) as staging:
            assert list(staging.iterdir()) == []
            (staging / name).write_text(name, encoding="utf-8")
    assert [path.name for path in target.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_has_the_bytes_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.txt"
    source.write_text("bytes", encoding="utf-8")
    link_or_copy(source, tmp_path / "deep" / "b.txt")
    assert (tmp_path / "deep" / "b.txt").samefile(source)

    def refuse(*arguments: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr("os.link", refuse)
    link_or_copy(source, tmp_path / "c.txt")
    assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "bytes"
