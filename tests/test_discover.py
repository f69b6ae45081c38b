from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.discover import escape_path, lfs_pointer, open_file, walk
from mlgate.discover import given as given_files
from mlgate.errors import MlgateError
from mlgate.git import find
from mlgate.records import File, FileKind, Finding
from tests.repositories import commit, git

OID = "a" * 64
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n"


def entries(root: Path) -> tuple[dict[str, FileKind], list[tuple[str, str]]]:
    """(kind by path, (rule, path) of the findings)"""
    seen = list(walk(root, find(root)))
    files = {e.path: e.kind for e in seen if isinstance(e, File)}
    return files, [(e.rule.id, e.location.path) for e in seen if isinstance(e, Finding)]


def test_tracked_files_count_even_where_they_are_ignored(tmp_path: Path) -> None:
    commit(tmp_path, {"a.pkl": "x", "hidden/b.pkl": "x", ".gitignore": "hidden/\nnew.txt\n"})
    (tmp_path / "new.txt").write_text("ignored")
    (tmp_path / "fresh.txt").write_text("untracked")
    (tmp_path / "a.pkl").unlink()
    files, findings = entries(tmp_path)
    assert set(files) == {"hidden/b.pkl", ".gitignore", "fresh.txt"}
    assert findings == []


def test_what_a_sparse_checkout_leaves_out_is_incomplete(tmp_path: Path) -> None:
    commit(tmp_path, {"a/x.txt": "x", "models/m.pkl": "x", "models/n.pkl": "x"})
    git(tmp_path, "sparse-checkout", "set", "--no-cone", "/a/")
    files, findings = entries(tmp_path)
    assert set(files) == {"a/x.txt"}
    assert findings == [("MLG-INC-008", "models/m.pkl")]
    assert [e.path for e in walk(tmp_path / "a", find(tmp_path)) if isinstance(e, File)] == ["x.txt"]


def test_outside_of_git_everything_is_walked(tmp_path: Path) -> None:
    for name in ("a/b/c.txt", "node_modules/x.js", ".venv/y.py", "d.txt", ".git/z"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    files = {e.path for e in walk(tmp_path) if isinstance(e, File)}
    assert files == {"a/b/c.txt", "node_modules/x.js", ".venv/y.py", "d.txt"}


def test_links_are_never_followed_and_told_when_they_leave(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / "in").mkdir(parents=True)
    (root / "in/file").write_text("x")
    (root / "near").symlink_to("in/file")
    (root / "in/up").symlink_to("../in/file")
    (root / "far").symlink_to("/etc/passwd")
    (root / "away").symlink_to("in/../../other")
    (root / "folder").symlink_to(tmp_path)
    files, findings = entries(root)
    assert files["near"] is FileKind.REGULAR  # its content under its own name
    assert files["far"] is FileKind.SYMLINK
    assert sorted(findings) == [("MLG-GIT-001", "away"), ("MLG-GIT-001", "far"), ("MLG-GIT-001", "folder")]
    assert not any(path.startswith("folder/") for path in files)


def test_models_behind_links_out_of_the_folder_are_incomplete(tmp_path: Path) -> None:
    """The Hugging Face cache is made of such links: nothing of it was looked at."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs/abc").write_text("x")
    (tmp_path / "blobs/m.pkl").write_text("x")
    snapshot = tmp_path / "snapshots"
    snapshot.mkdir()
    (snapshot / "pytorch_model.bin").symlink_to("../blobs/abc")
    (snapshot / "weights").symlink_to("../blobs/m.pkl")
    (snapshot / "README.md").symlink_to("../blobs/abc")
    findings = sorted(entries(snapshot)[1])
    assert [path for rule, path in findings if rule == "MLG-GIT-001"] == ["README.md", "pytorch_model.bin", "weights"]
    assert [path for rule, path in findings if rule != "MLG-GIT-001"] == ["pytorch_model.bin", "weights"]
    # who asks for one file by its name gets no pass for nothing
    told = given_files(snapshot, [snapshot / "README.md"])
    assert {e.rule.id for e in told if isinstance(e, Finding)} == {"MLG-GIT-001", "MLG-INC-009"}


def test_a_folder_under_another_name_is_incomplete_where_the_name_matters(tmp_path: Path) -> None:
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps/base.txt").write_text("x==1\n")
    (tmp_path / "requirements").symlink_to("deps")
    (tmp_path / "other").symlink_to("deps")
    assert entries(tmp_path)[1] == [("MLG-INC-009", "requirements")]


def test_what_is_no_file_is_incomplete(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.pkl")
    files, findings = entries(tmp_path)
    assert files == {"model.pkl": FileKind.SPECIAL}
    assert findings == [("MLG-INC-009", "model.pkl")]


def test_submodules_that_are_not_there_are_incomplete_and_others_are_walked(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    sha = commit(inner, {"weights.pkl": "x"})
    commit(outer, {"a": "x"})
    git(outer, "update-index", "--add", "--cacheinfo", f"160000,{sha},absent")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "present")
    files, findings = entries(outer)
    assert ("MLG-INC-008", "absent") in findings
    assert files["present/weights.pkl"] is FileKind.REGULAR
    assert "present/.git" not in files


def test_a_repository_in_the_repository_is_told(tmp_path: Path) -> None:
    commit(tmp_path, {"a": "x"})
    commit(tmp_path / "vendor", {"model.pkl": "x"})
    assert ("MLG-GIT-003", "vendor") in entries(tmp_path)[1]


def test_names_of_any_bytes(tmp_path: Path) -> None:
    raw = b"mod\xff\n%41.pkl"
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).write_bytes(b"x")
    (file,) = walk(tmp_path)
    assert isinstance(file, File)
    assert file.raw == raw
    assert file.path == "mod%FF\n%2541.pkl"


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_escaped_paths_do_not_collide(one: bytes, other: bytes) -> None:
    assert (escape_path(one) == escape_path(other)) is (one == other)


def test_names_that_differ_in_case_are_told(tmp_path: Path) -> None:
    (tmp_path / "Model.pkl").write_text("x")
    (tmp_path / "model.pkl").write_text("y")
    assert [rule for rule, _ in entries(tmp_path)[1]] == ["MLG-GIT-002"]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (POINTER, True),
        (POINTER.replace("version", "ext-0-x sha256:1\nversion"), True),
        (POINTER.replace("\n", "\r\n"), True),
        ("\n " + POINTER.replace("\noid", "\n\n\noid") + "\n\t\n", True),
        (POINTER.replace("https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2"), True),
        (POINTER.replace("12345", "+0012345").replace(OID, OID.upper()), True),
        (POINTER.replace("v1", "v3"), False),
        (POINTER.replace("size ", "size"), False),
        (POINTER.replace("\noid", "\next-0-case sha256:b\noid"), True),
        (POINTER.replace("sha256", "sha1"), False),
        (POINTER + "more\n", False),
        ("x" * 130, False),
    ],
)
def test_lfs_pointers_are_what_git_lfs_takes_for_one(tmp_path: Path, text: str, pointer: bool) -> None:
    assert (lfs_pointer(text.encode()) is not None) is pointer
    (tmp_path / "m.pt").write_bytes(text.encode())
    (file,) = walk(tmp_path)
    assert isinstance(file, File)
    assert (file.kind is FileKind.LFS_POINTER) is pointer
    if pointer:
        assert file.lfs
        assert (file.lfs.oid, file.lfs.size) == (OID, 12345)


def test_opening_follows_no_link_even_one_put_there_later(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    root = os.open(tmp_path, os.O_RDONLY)
    file = File(path="a/file", raw=b"a/file", kind=FileKind.REGULAR)
    os.close(open_file(root, file))
    (tmp_path / "a/file").unlink()
    (tmp_path / "a/file").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        open_file(root, file)
    (tmp_path / "a/file").unlink()
    (tmp_path / "a").rmdir()
    (tmp_path / "a").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        open_file(root, file)
    os.close(root)


def test_given_files_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_text("x")
    (file,) = given_files(tmp_path, [tmp_path / "a.pkl"])
    assert isinstance(file, File)
    assert file.path == "a.pkl"
    for wrong in (tmp_path / "missing", tmp_path):
        with pytest.raises(MlgateError):
            list(given_files(tmp_path, [wrong]))
