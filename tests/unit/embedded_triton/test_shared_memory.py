"""Cleaning up in /dev/shm, and nothing but what is ours."""

import os
from pathlib import Path

import pytest

from embedded_triton.shared_memory import abandoned_prefixes, hold_lock, remove_segments


def test_only_segments_of_the_prefix_go(tmp_path: Path) -> None:
    for name in ("ours-1-a", "ours-1-b", "ours-10-a", "theirs"):
        (tmp_path / name).touch()
    assert remove_segments("ours-1-", tmp_path) == ["ours-1-a", "ours-1-b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ours-10-a", "theirs"]


def test_an_empty_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every program"):
        remove_segments("", tmp_path)


def test_a_prefix_is_abandoned_when_nobody_holds_its_lock(tmp_path: Path) -> None:
    running = hold_lock("ours-1-", tmp_path)
    os.close(hold_lock("ours-2-", tmp_path))
    os.close(hold_lock("other-1-", tmp_path))
    (tmp_path / "ours-3-without-a-lock").touch()
    assert abandoned_prefixes("ours", tmp_path) == ["ours-2-"]
    os.close(running)
    assert abandoned_prefixes("ours", tmp_path) == ["ours-1-", "ours-2-"]
