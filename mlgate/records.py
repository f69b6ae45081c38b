"""The frozen records that travel between stages. This module imports nothing of ours."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

Pairs = tuple[tuple[str, str], ...]


class Severity(enum.StrEnum):
    """How bad a finding is, before any policy looks at it."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info, for sorting and thresholds."""
        return 4 - list(Severity).index(self)


class Category(enum.StrEnum):
    """What a rule is about; `fail-on` in the policy has one threshold for each of the first six."""

    MODEL_FILE = "model-file"
    UNSAFE_CODE = "unsafe-code"
    DEPENDENCY = "dependency"
    LICENSE = "license"
    DATASET = "dataset"
    LINEAGE = "lineage"
    INCOMPLETE = "incomplete"
    POLICY_CHANGE = "policy-change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing mlgate can say, declared once next to the check that says it.

    `clause` names the policy key that decides about this rule (`code.torch-load-unsafe`); without one,
    `fail-on` of the category decides. `malicious` marks what `scope.always-enforce: [malicious]` covers.
    """

    id: str
    title: str
    severity: Severity
    category: Category
    help: str
    remediation: str
    clause: str = ""
    malicious: bool = False
    cwe: tuple[str, ...] = ()
    atlas: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where: `path` is relative to the scanned root with `/`, undecodable bytes percent-escaped.

    `member` is the path inside an archive (nested levels joined with `!`), `offset` a byte offset in the
    file or member, `line` and `end_line` count from 1, `cell` is a notebook's code cell counted from 1.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    member: str | None = None
    offset: int | None = None
    cell: int | None = None

    def __str__(self) -> str:
        text = self.path
        if self.member:
            text += f"!{self.member}"
        if self.cell is not None:
            text += f" [cell {self.cell}]"
        if self.line is not None:
            text += f":{self.line}"
        elif self.offset is not None:
            text += f" @{self.offset}"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that spoke about a place.

    `subject` is the identity of what it is about when that is not the file (a purl, `hf:org/name`).
    `evidence` is short, shown to people and part of the fingerprint, so it holds no line and no offset.
    `fix` is text that can be pasted. `facts` are what policy clauses read, such as
    ("global", "os.system"), ("cvss", "9.8"), ("purl", "pkg:pypi/torch@2.0.0"), ("unscored", "true").
    """

    rule: Rule
    location: Location
    message: str
    evidence: str = ""
    severity: Severity = Severity.INFO
    subject: str = ""
    fix: str = ""
    facts: Pairs = ()

    def fact(self, name: str) -> str | None:
        """The first fact of that name, or None."""
        return next((value for key, value in self.facts if key == name), None)


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
    """Budgets from the policy's `limits`: seconds, bytes, expansion ratio, archive nesting depth."""

    total: float = 900.0
    per_file: float = 120.0
    file: int = 20 * 2**30
    unpacked: int = 4 * 2**30
    ratio: int = 100
    depth: int = 4


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


class Kind(enum.StrEnum):
    """Kinds of component."""

    MODEL = "model"
    DATASET = "dataset"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash:
    """A digest in CycloneDX's names ("SHA-256"), lower-case hex; `declared` when we did not compute it."""

    algorithm: str
    value: str
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Where a component was seen and by which call, line or header (`symbol`)."""

    location: Location
    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What a manifest says of a package. `ecosystem` is OSV's name ("PyPI", "npm", "Maven").

    `version` on the component is set only when the manifest fixes one. `origin` is registry, vcs, url or
    path; `scope` is runtime, dev, optional, build or constraint.
    """

    ecosystem: str
    requirement: str = ""
    specifier: str = ""
    direct: bool = True
    scope: str = "runtime"
    group: str = ""
    marker: str = ""
    index: str = ""
    origin: str = "registry"
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model's own header says; every field as found, empty when not stated."""

    format: str = ""
    architecture_family: str = ""
    architecture: str = ""
    task: str = ""
    quantization: str = ""
    parameters: int | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    other: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A model, dataset or package. One per (`kind`, `identity`, `version`) after assembly.

    `identity` has no version: `hf:org/name`, `torchhub:owner/repo:entry`, `file:models/a.pkl`,
    `dataset:hf:org/name`, or a versionless purl for packages. `pinned` says whether `version` fixes bytes.
    """

    kind: Kind
    identity: str
    name: str
    version: str | None = None
    purl: str | None = None
    pinned: bool | None = None
    hashes: tuple[Hash, ...] = ()
    licenses: tuple[str, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    package: PackageFacts | None = None
    model: ModelFacts | None = None
    properties: Pairs = ()


class Resolution(enum.StrEnum):
    """How the target of a reference in code was found out."""

    LITERAL = "literal"
    CONSTANT = "constant"
    DEFAULT = "default"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Code that loads a model or dataset. `identity` is None when the argument is dynamic: said, not guessed."""

    kind: Kind
    identity: str | None
    location: Location
    symbol: str
    revision: str | None = None
    pinned: bool = False
    resolution: Resolution = Resolution.LITERAL
    purl: str | None = None
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A lineage edge between identities: source needs, descends from or was trained on target."""

    source: str
    target: str
    kind: str = "depends-on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Another file of the tree that has to be read as `reader` (a manifest's `-r other.txt`)."""

    path: str
    reader: str
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What became of one file: complete, or incomplete with the reason told by an MLG-INC finding."""

    path: str
    format: str
    sha256: str
    size: int
    complete: bool


Observation = Finding | Component | Reference | Relation | Include | Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """A reader of one format, manifest or language: a record of functions.

    `claims` looks at name and head only, and is cheap. `inspect` yields observations as it meets them, so
    that what it found before it stopped is kept; it raises errors.Incomplete when it cannot go on.
    `suffixes` are the lower-case name endings that promise this format; `model` is True when a file under
    such a name is a model and so must be understood by somebody. `container` says that what is inside comes back
    as artifacts of its own, under the name without the container's ending.
    """

    name: str
    claims: Callable[[Artifact], bool]
    inspect: Callable[[Artifact], Iterator[Observation]]
    rules: tuple[Rule, ...] = ()
    suffixes: tuple[str, ...] = ()
    model: bool = False
    container: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All that the stages left of `judge` know. Sorted and merged: one component per identity and version."""

    root: str
    components: tuple[Component, ...] = ()
    references: tuple[Reference, ...] = ()
    relations: tuple[Relation, ...] = ()
    findings: tuple[Finding, ...] = ()
    scanned: tuple[Scanned, ...] = ()
    head: str = ""
    timestamp: int = 0
    vulnerabilities: tuple[Vulnerability, ...] = ()
    advisory_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """An advisory that matched a package. `score` is CVSS 0.0 to 10.0 or None when unscored."""

    id: str
    purl: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    severity: Severity | None = None
    score: float | None = None
    vector: str = ""
    fixed: tuple[str, ...] = ()
    url: str = ""
    malicious: bool = False


class Action(enum.StrEnum):
    """What the policy does with a finding."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The judgement on one finding: `clause` names the policy key that spoke, `new` compares with the base."""

    finding: Finding
    action: Action
    new: bool
    fingerprint: str
    clause: str
    waiver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Pass or fail, every decision (worst first) and what to say about the policy itself."""

    passed: bool
    decisions: tuple[Decision, ...]
    policy_source: str
    mode: str
    compared: bool
    base: str = ""
    notes: tuple[str, ...] = field(default=())
