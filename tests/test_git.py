from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlgate.errors import MlgateError
from mlgate.git import find
from tests.repositories import commit, git


def test_the_base_is_resolved_read_and_compared(tmp_path: Path) -> None:
    base = commit(tmp_path, {"keep": "1", "edit": "1", "gone": "1", "old": "same content to be moved"})
    commit(tmp_path, {"edit": "2", "gone": None, "old": None, "new": "same content to be moved"})
    (tmp_path / "untracked").write_text("x")
    repository = find(tmp_path)
    assert repository is not None
    assert repository.resolve("HEAD~1") == base
    assert repository.changed(base) == {b"edit", b"gone", b"old", b"new", b"untracked"}
    assert repository.read(base, b"edit", 100) == b"1"
    assert repository.read(base, b"new", 100) is None
    assert repository.head()[0] == git(tmp_path, "rev-parse", "HEAD")
    with pytest.raises(MlgateError, match="larger"):
        repository.read(base, b"old", 3)
    ((path, name, size),) = repository.blobs(base, [b"old", b"missing"])
    repository.save(name, tmp_path / "saved")
    assert (path, size) == (b"old", (tmp_path / "saved").stat().st_size)


def test_the_bases_own_progress_is_no_change(tmp_path: Path) -> None:
    start = commit(tmp_path, {"a": "1"})
    git(tmp_path, "checkout", "-qb", "feature")
    commit(tmp_path, {"b": "1"})
    git(tmp_path, "checkout", "-q", "main")
    main = commit(tmp_path, {"c": "1"})
    git(tmp_path, "checkout", "-q", "feature")
    repository = find(tmp_path)
    assert repository is not None
    assert repository.fork_point(main, repository.head()[0]) == start


@pytest.mark.parametrize("ref", ["nonsense", "-h", "--output=x", "", "HEAD:a", "0" * 40])
def test_a_base_that_cannot_be_read_is_an_error(tmp_path: Path, ref: str) -> None:
    commit(tmp_path, {"a": "1"})
    repository = find(tmp_path)
    assert repository is not None
    with pytest.raises(MlgateError):
        repository.resolve(ref)


def test_a_shallow_clone_says_that_it_is_shallow(tmp_path: Path) -> None:
    base = commit(tmp_path / "full", {"a": "1"})
    commit(tmp_path / "full", {"a": "2"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{tmp_path}/full", "shallow")
    repository = find(tmp_path / "shallow")
    assert repository is not None
    with pytest.raises(MlgateError) as caught:
        repository.resolve(base)
    assert "shallow" in caught.value.hint


def test_nothing_that_the_repository_configures_is_run(tmp_path: Path) -> None:
    base = commit(tmp_path, {"a": "1", ".gitattributes": "* diff=evil filter=evil textconv=evil\n"})
    commit(tmp_path, {"a": "2"})
    script = tmp_path / ".git/evil"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv", "core.pager"):
        git(tmp_path, "config", key, str(script))
    repository = find(tmp_path)
    assert repository is not None
    os.utime(tmp_path / "a")
    assert b"a" in repository.changed(base)
    repository.untracked()
    repository.read(base, b"a", 10)
    assert not (tmp_path / "ran").exists()
