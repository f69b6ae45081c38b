"""What readers get and give: the tree's files, artifacts, budgets, observations."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mlgate.records.findings import Explanation, Finding, Location, Rule
from mlgate.records.inventory import Component, Exports, Reference, Relation


class FileKind(enum.StrEnum):
    """What discover met in the tree."""

    REGULAR = "regular"
    LFS_POINTER = "lfs-pointer"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    SPECIAL = "special"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class LfsPointer:
    """A Git LFS pointer (git-lfs spec v1): the SHA-256 and the size of the content that is elsewhere."""

    oid: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One entry of the tree: `path` is for people, `raw` is the name in bytes as the system has it."""

    path: str
    raw: bytes
    kind: FileKind
    size: int = 0
    lfs: LfsPointer | None = None
    detail: str = ""


class Source(Protocol):
    """Random access to bytes that are not held in memory. `read_at` may return less at the end, never more."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Budgets from the policy's `limits`: seconds, bytes, expansion ratio, archive nesting depth.

    `explain` is no policy's: how many lines each explanation of a pickle may have, 0 for none.
    """

    total: float = 900.0
    per_file: float = 120.0
    file: int = 20 * 2**30
    unpacked: int = 4 * 2**30
    ratio: int = 100
    depth: int = 4
    explain: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Bytes to look at: a file, or a member of an archive (then it goes round again with `depth` + 1).

    `name` is the last part of the member or path, `head` the first bytes (at most 4,096).
    `formats` are the content labels `identify` gave ("zip", "pickle", ...), never taken from the name.
    """

    path: str
    name: str
    source: Source
    head: bytes = b""
    formats: tuple[str, ...] = ()
    member: str | None = None
    depth: int = 0
    limits: Limits = Limits()

    def at(self, *, line: int | None = None, offset: int | None = None, cell: int | None = None) -> Location:
        """A location in this artifact."""
        return Location(path=self.path, member=self.member, line=line, offset=offset, cell=cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Another file of the tree that has to be read as `reader` (a manifest's `-r other.txt`).

    An `optional` one may be missing: a configuration is often made when the program runs.
    """

    path: str
    reader: str
    location: Location
    optional: bool = False


Observation = Explanation | Finding | Component | Reference | Relation | Exports | Include | Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """A reader of one format, manifest or language: a record of functions.

    `claims` looks at name and head only, and is cheap. `inspect` yields observations as it meets them, so
    that what it found before it stopped is kept; it raises errors.Incomplete when it cannot go on.
    `suffixes` are the lower-case name endings that promise this format; `model` is True when a file under
    such a name is a model and so must be understood by somebody. `container` says that what is inside comes back
    as artifacts of its own, under the name without the container's ending. `reads` and `misses` say in Markdown what
    of the format is read and what is not detected: docs/detection.md is made of them.
    """

    name: str
    claims: Callable[[Artifact], bool]
    inspect: Callable[[Artifact], Iterator[Observation]]
    rules: tuple[Rule, ...] = ()
    suffixes: tuple[str, ...] = ()
    model: bool = False
    container: bool = False
    reads: str = ""
    misses: str = ""
