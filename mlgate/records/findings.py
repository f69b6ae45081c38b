"""What is said: rules, places, findings."""

from __future__ import annotations

import enum
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one pickle does, in lines of Python for people to read."""

    location: Location
    lines: tuple[str, ...]
