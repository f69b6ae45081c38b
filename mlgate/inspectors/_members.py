"""Members of archives as artifacts, and their names: links, and names that lead out of the folder of unpacking."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlgate import rules
from mlgate.identify import HEAD, MODEL_SUFFIXES, identify
from mlgate.records import Artifact, Category, Finding, Rule, Severity, Source

_SAID = 50  # findings of one rule about one archive
_REMEDY = "Build the archive again from plain files with relative names."
_DRIVE = re.compile(r"[A-Za-z]:")
_MODEL = re.compile(r"model([-_.].*)?\.(tar|tgz|tbz2?|txz|zip)(\.\w+)?", re.IGNORECASE)  # SageMaker's model.tar.gz

LINK = Rule(
    id="MLG-ARC-020",
    title="Archive member that points elsewhere",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="The archive holds a link out of the folder it is unpacked into, or a device or pipe. Whoever reads the "
    "member after unpacking reads a file of the machine instead. High in the archive of a model, where no library "
    "puts one.",
    remediation=_REMEDY,
    cwe=("CWE-59",),
)
OUT = Rule(
    id="MLG-ARC-021",
    title="Archive member is unpacked outside of its folder",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The member's name is absolute or climbs upwards (`..`), so that unpacking can overwrite files elsewhere.",
    remediation=_REMEDY,
    cwe=("CWE-22",),
    atlas=("AML.T0010", "AML.T0011.000"),
)
THROUGH = Rule(
    id="MLG-ARC-022",
    title="Archive member is written or read through a link",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The archive has a link that leads out of its folder, and another member whose path goes through that link, "
    "or a hard link to a file outside. Unpacking changes or copies files elsewhere.",
    remediation=_REMEDY,
    cwe=("CWE-22", "CWE-59"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
TWICE = Rule(
    id="MLG-ARC-023",
    title="Two archive members have the same name",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="Some readers take the first member of that name and some the last. Appending to an archive does this too, so "
    "both were looked at.",
    remediation="Build the archive again with one member of each name.",
    cwe=("CWE-436",),
)

RULES = (LINK, OUT, THROUGH, TWICE)


def member(artifact: Artifact, name: str, content: Source) -> Artifact:
    """Content of an archive as an artifact one level deeper; `name` is its path in the archive."""
    head = content.read_at(0, HEAD)
    return dataclasses.replace(
        artifact,
        name=name.replace("\\", "/").rpartition("/")[2],
        source=content,
        head=head,
        formats=identify(content, head),
        member=(f"{artifact.member}!{name}" if artifact.member else name)[:1000],
        depth=artifact.depth + 1,
    )


def leads_out(name: str) -> bool:
    """Whether the path is absolute, has a drive, or climbs above where it begins, by POSIX's rules or Windows's."""
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path):
        return True
    level = 0
    for part in path.split("/"):
        level += -1 if part == ".." else 0 if part in ("", ".") else 1
        if level < 0:
            return True
    return False


def _clean(name: str) -> str:
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


class Names:
    """The names of one archive in their order: findings about each as it comes."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        model = artifact.name[artifact.name.rfind(".") :].lower() in MODEL_SUFFIXES or _MODEL.fullmatch(artifact.name)
        self._severity = Severity.HIGH if model else Severity.MEDIUM
        self._seen: set[str] = set()
        self._links: set[str] = set()
        self._leaving: set[str] = set()
        self._count: dict[str, int] = {}

    def file(self, name: str, *, device: bool = False) -> Iterator[Finding]:
        """A member with content of its own."""
        if leads_out(name):
            yield from self._say(OUT, f"Member {name[:200]!r} is unpacked outside of the folder.", name)
        if device:
            yield from self._say(LINK, f"Member {name[:200]!r} is a device or a pipe.", name)
        yield from self.through(name)
        clean = _clean(name)
        if not name.endswith("/"):
            if clean in self._seen:
                yield from self._say(TWICE, f"Two members are named {name[:200]!r}.", name)
            self._seen.add(clean)

    def through(self, name: str) -> Iterator[Finding]:
        """Only whether a link out of the folder came before on this path."""
        if self._passes(_clean(name), self._leaving):
            yield from self._say(THROUGH, f"Member {name[:200]!r} goes through a link out of the folder.", name)

    def link(self, name: str, target: str, *, hard: bool) -> Iterator[Finding]:
        """A link; a hard link's target counts from the archive's top, a symbolic one's from where it stands."""
        yield from self.file(name)
        clean = _clean(name)
        folder = "" if hard else clean.rpartition("/")[0]
        path = f"{folder}/{target}" if folder else target
        out = target.startswith("/") or leads_out(target if hard else path) or _DRIVE.match(target) is not None
        # `..` behind a link climbs from where that link leads, which the path alone does not show
        if not out and ".." in target.split("/") and self._passes(_clean(path), self._links):
            out = True
        message = f"{name[:200]!r} links out of the folder to {target[:200]!r}."
        if not hard:
            self._links.add(clean)
        if out and not hard:
            self._leaving.add(clean)
            yield from self._say(LINK, message, f"{name} {target}")
        elif out or self._passes(_clean(path), self._leaving):
            yield from self._say(THROUGH, message, f"{name} {target}")

    @staticmethod
    def _passes(clean: str, links: set[str]) -> bool:
        parts = clean.split("/")[:64] if links else []
        return any("/".join(parts[:length]) in links for length in range(1, len(parts) + 1))

    def _say(self, rule: Rule, message: str, evidence: str) -> Iterator[Finding]:
        self._count[rule.id] = self._count.get(rule.id, 0) + 1
        if self._count[rule.id] <= _SAID:
            severity = self._severity if rule is LINK else None
            yield rules.finding(rule, self._artifact.at(), message, evidence=evidence[:300], severity=severity)
