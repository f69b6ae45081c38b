"""The tree as files: never through a link, names as bytes, and what cannot be looked at is said.

In a git working tree the entries are what git tracks plus what it neither tracks nor ignores; a tracked file counts
even where an ignore rule names it. Elsewhere, and in submodules, it is everything below the folder but `.git`.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlgate import rules
from mlgate.errors import MlgateError
from mlgate.git import Repository
from mlgate.identify import promised
from mlgate.records import Category, File, FileKind, Finding, LfsPointer, Location, Rule, Severity

_POINTER = 1024  # a Git LFS pointer is smaller (git-lfs specification, "The Pointer")
# As git-lfs reads it, which takes more than it writes: names from before the specification, extensions anywhere.
_LFS = (
    re.compile(
        rb"version (?:https://git-lfs\.github\.com/spec/v1|https://hawser\.github\.com/spec/v1|http://git-media\.io/v/2)"
    ),
    re.compile(rb"oid sha256:([0-9a-fA-F]{64})"),
    re.compile(rb"size \+?0*(\d{1,18})"),
)
_LFS_EXTENSION = re.compile(rb"ext-\d-\w[^ ]* .*")
_NAMING = frozenset({"requirements", "constraints", "additional_chat_templates"})  # folders that say what is in them
_GITLINK = "160000"
_UNFOLLOWED = "a link that is not followed; the file it leads to has to be checked by its own name"
_MOST = 1_000_000
_DEEP = 200

OUTSIDE = Rule(
    id="MLG-GIT-001",
    title="Link that leaves the repository",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The link points outside the scanned folder, so what a program reads there is not in the repository and was "
    "not looked at.",
    remediation="Replace the link by the file, or by a path that the program gets at run time.",
    cwe=("CWE-59",),
)
COLLISION = Rule(
    id="MLG-GIT-002",
    title="Names that differ only in case",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="On Windows and macOS one of the files replaces the other in the checkout, so reviewers and machines can see "
    "different content.",
    remediation="Rename one of them.",
    cwe=("CWE-178",),
)
NESTED = Rule(
    id="MLG-GIT-003",
    title="A repository inside the repository",
    severity=Severity.LOW,
    category=Category.MODEL_FILE,
    help="The folder has a `.git` of its own and is no submodule, so git does not say what belongs to it. Its files "
    "were not looked at.",
    remediation="Make it a submodule, or remove its `.git`.",
    cwe=("CWE-1357",),
)
RULES = (OUTSIDE, COLLISION, NESTED)


def escape_path(raw: bytes) -> str:
    """The path for people: UTF-8, other bytes as `%XX`; a `%` that would read as one of those is `%25`."""
    text = raw.decode("utf-8", "surrogateescape")
    text = re.sub(r"%(?=[0-9A-Fa-f]{2})", "%25", text)
    return re.sub(r"[\udc80-\udcff]", lambda match: f"%{ord(match[0]) - 0xDC00:02X}", text)


def open_file(root: int, file: File) -> int:
    """A read-only descriptor of the file, opened from the folder's descriptor without following any link.

    Raises OSError when that cannot be done, or when it is no regular file any more.
    """
    parts = file.raw.split(b"/")
    at = os.dup(root)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = inner
        # O_NONBLOCK: a pipe put in the file's place must not hang us
        found = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.EINVAL, "no regular file")
    return found


def lfs_pointer(data: bytes) -> LfsPointer | None:
    """The pointer that git-lfs sees in the bytes, or None; blank lines and CRLF are none of its worries."""
    lines = [line.removesuffix(b"\r") for line in data.strip().split(b"\n")]
    lines = [line for line in lines if line and not _LFS_EXTENSION.fullmatch(line)]
    if len(lines) != len(_LFS):
        return None
    version, oid, size = (pattern.fullmatch(line) for pattern, line in zip(_LFS, lines, strict=True))
    return LfsPointer(oid=oid[1].decode().lower(), size=int(size[1])) if version and oid and size else None


def walk(root: Path, repository: Repository | None = None) -> Iterator[File | Finding]:
    """Every file below the folder, sorted by name in bytes, and what is odd about the tree.

    Raises MlgateError when the folder cannot be opened or has over a million entries.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise MlgateError(f"{str(root)!r} cannot be opened: {error.strerror}.", "Name a folder to scan.") from None
    try:
        if repository:
            yield from _absent(root, repository)
        names = _tracked(root, repository) if repository else ((name, "") for name in _below(descriptor, b"", 0))
        folded: dict[str, str] = {}
        for count, (raw, mode) in enumerate(sorted(set(names))):
            if count >= _MOST:
                raise MlgateError(f"More than {_MOST:,} files.", "Scan a smaller folder.")
            path = escape_path(raw)
            other = folded.setdefault(path.casefold(), path)
            if other != path:
                message = f"{path} and {other} are one file on systems that ignore case."
                yield rules.finding(COLLISION, Location(path=path), message, evidence=other)
            yield from _entry(descriptor, raw, path, mode)
    finally:
        os.close(descriptor)


def _tracked(root: Path, repository: Repository) -> Iterator[tuple[bytes, str]]:
    """(path below the folder, git's mode, for submodules with the commit) of what git tracks or would add."""
    start = _start(root, repository)
    for entry in repository.index():
        if entry.path.startswith(start):
            yield entry.path[len(start) :], f"{_GITLINK} {entry.name}" if entry.mode == _GITLINK else entry.mode
    for path in repository.untracked():
        if path.startswith(start):
            yield path[len(start) :], "nested" if path.endswith(b"/") else ""


def _absent(root: Path, repository: Repository) -> Iterator[Finding]:
    """What a sparse checkout left out, in one finding: it is tracked, it was not looked at."""
    start = _start(root, repository)
    left = [path[len(start) :] for path in repository.left_out() if path.startswith(start)]
    if left:
        what = f"{len(left):,} tracked files are not in this sparse checkout"
        yield rules.incomplete("missing", Location(path=escape_path(min(left))), what)


def _start(root: Path, repository: Repository) -> bytes:
    prefix = os.fsencode(root.resolve().relative_to(repository.top))
    return b"" if prefix == b"." else prefix + b"/"


def _below(folder: int, prefix: bytes, depth: int) -> Iterator[bytes]:
    """Paths of everything that is no folder, through descriptors, so that no link is ever walked."""
    with os.scandir(folder) as entries:
        found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            yield prefix + name
        elif name != b".git":
            if depth >= _DEEP:
                yield prefix + name
                continue
            try:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            except OSError:
                yield prefix + name
                continue
            try:
                yield from _below(inner, prefix + name + b"/", depth + 1)
            finally:
                os.close(inner)


def _entry(root: int, raw: bytes, path: str, mode: str) -> Iterator[File | Finding]:
    location = Location(path=path.rstrip("/"))
    if mode == "nested":
        yield rules.finding(NESTED, location, f"{path} has a repository of its own and was not looked at.")
        return
    try:
        found = os.lstat(raw, dir_fd=root)
    except OSError as error:
        if mode.startswith(_GITLINK):
            yield _unfetched(location, mode)
        if error.errno == errno.ENOENT:
            return  # tracked and deleted in the working tree
        yield rules.incomplete("unreadable", location, error.strerror or "cannot be looked at")
        return
    if mode.startswith(_GITLINK) or stat.S_ISDIR(found.st_mode):
        yield from _folder(root, raw, path, mode, location)
    elif stat.S_ISLNK(found.st_mode):
        yield from _link(root, raw, path, location)
    elif not stat.S_ISREG(found.st_mode):
        yield File(path=path, raw=raw, kind=FileKind.SPECIAL)
        yield rules.incomplete("unreadable", location, "a device, socket or pipe")
    else:
        yield _regular(root, File(path=path, raw=raw, kind=FileKind.REGULAR, size=found.st_size))


def _folder(root: int, raw: bytes, path: str, mode: str, location: Location) -> Iterator[File | Finding]:
    """A submodule, or a folder that could not be walked."""
    if not mode.startswith(_GITLINK):
        yield rules.incomplete("unreadable", location, "the folder cannot be opened, or is nested too deep")
        return
    yield File(path=path, raw=raw, kind=FileKind.SUBMODULE)
    inner = -1
    try:
        inner = os.open(raw, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        names = list(_below(inner, raw + b"/", 0))
    except OSError:
        names = []
    finally:
        if inner >= 0:
            os.close(inner)
    if not any(not name.startswith(raw + b"/.git") for name in names):
        yield _unfetched(location, mode)
    for name in sorted(names):
        if name != raw + b"/.git":
            yield from _entry(root, name, escape_path(name), "")


def _unfetched(location: Location, mode: str) -> Finding:
    """A submodule without content; the commit is part of the evidence, so that another one is another matter."""
    commit = mode.partition(" ")[2]
    told = rules.incomplete("missing", location, f"a submodule that was not fetched (commit {commit[:12]})")
    return dataclasses.replace(told, evidence=f"missing {commit}")


def _link(root: int, raw: bytes, path: str, location: Location) -> Iterator[File | Finding]:
    """A link out of the folder is told; one to a file inside is that file's content under the link's name."""
    target = os.readlink(raw, dir_fd=root)
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(raw), target))
    if target.startswith(b"/") or resolved == b".." or resolved.startswith(b"../"):
        shown = escape_path(target)[:300]
        yield File(path=path, raw=raw, kind=FileKind.SYMLINK)
        yield rules.finding(OUTSIDE, location, f"The link points to {shown!r}, outside of the folder.", evidence=shown)
        if promised(path.rpartition("/")[2]) or promised(shown.rpartition("/")[2]):
            yield rules.incomplete("unreadable", location, _UNFOLLOWED)
        return
    try:
        found = os.lstat(resolved, dir_fd=root)
    except OSError:
        yield File(path=path, raw=raw, kind=FileKind.SYMLINK)  # it leads nowhere
        return
    if stat.S_ISREG(found.st_mode):
        # programs go by the name they are given: requirements.txt may be a link to notes.md
        yield _regular(root, File(path=path, raw=resolved, kind=FileKind.REGULAR, size=found.st_size))
    else:
        yield File(path=path, raw=raw, kind=FileKind.SYMLINK)
        if path.rpartition("/")[2] in _NAMING:
            yield rules.incomplete(
                "unreadable", location, "a link to a folder, whose files were not read under this name"
            )
        if stat.S_ISLNK(found.st_mode):
            yield rules.incomplete("unreadable", location, "a link to a link, which is not followed")


def _regular(root: int, file: File) -> File:
    if not 100 <= file.size <= _POINTER:
        return file
    try:
        descriptor = open_file(root, file)
    except OSError:
        return file  # opening it for a worker fails the same way, and is told there
    try:
        pointer = lfs_pointer(os.pread(descriptor, _POINTER + 1, 0))
    finally:
        os.close(descriptor)
    if pointer is None:
        return file
    return File(path=file.path, raw=file.raw, kind=FileKind.LFS_POINTER, size=file.size, lfs=pointer)


def given(root: Path, paths: Iterable[Path]) -> Iterator[File | Finding]:
    """Only these files, as entries of the folder. Raises MlgateError on one that is not there or no file."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path in paths:
            raw = os.fsencode(os.path.relpath(path.absolute(), root))
            if raw.startswith(b"../") or not os.path.lexists(path):
                raise MlgateError(f"{str(path)!r} is not there.", "Name files that exist.")
            if path.is_dir() and not path.is_symlink():
                raise MlgateError(f"{str(path)!r} is a folder.", "Use `mlgate scan` for folders.")
            for entry in _entry(descriptor, raw, escape_path(raw), ""):
                yield entry
                if isinstance(entry, File) and entry.kind is FileKind.SYMLINK:
                    yield rules.incomplete("unreadable", Location(path=entry.path), _UNFOLLOWED)
    finally:
        os.close(descriptor)
