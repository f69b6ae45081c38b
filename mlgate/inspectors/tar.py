"""Tar archives: every member once more round, and members that reach out or that readers see differently."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._members import LINK, OUT, THROUGH, TWICE, Names, member
from mlgate.inspectors._tarheaders import DEVICES, LINKS, Entry, Walked, entries
from mlgate.records import Artifact, Category, Finding, Inspector, Observation, Rule, Severity
from mlgate.sources import SliceSource

_MEMBERS = 100_000
_OCTAL = 8**11  # sizes below this fit into the plain header

DESYNC = Rule(
    id="MLG-ARC-024",
    title="The tar archive's two headers disagree on a size",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="A member's extended header names another size than its plain header, which could hold that size. Readers "
    "that go by one find other members than readers that go by the other (CVE-2025-62518).",
    remediation="Pack the archive again from content that was looked at.",
    cwe=("CWE-436", "CWE-843"),
    atlas=("AML.T0010", "AML.T0011.000"),
)
BEHIND = Rule(
    id="MLG-ARC-025",
    title="Members behind the tar archive's end",
    severity=Severity.MEDIUM,
    category=Category.MODEL_FILE,
    help="Headers go on after the mark that ends the archive. Some readers stop there and some go on, so they see "
    "different members. What is behind the mark was looked at.",
    remediation="Pack the archive again as one.",
    cwe=("CWE-436",),
)


def _claims(artifact: Artifact) -> bool:
    return "tar" in artifact.formats


def _inner(artifact: Artifact, entry: Entry) -> Artifact:
    return member(artifact, entry.name.rstrip("/"), SliceSource(artifact.source, entry.data, entry.size))


def _desync(artifact: Artifact, entry: Entry) -> Iterator[Finding]:
    if entry.size != entry.header_size and entry.size < _OCTAL and not entry.sparse:
        sizes = f"{entry.size:,} bytes by one header and {entry.header_size:,} by the other"
        message = f"Member {entry.name[:200]!r} has {sizes}."
        yield rules.finding(DESYNC, artifact.at(offset=entry.data), message, evidence=entry.name[:300])


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    """Findings and members. Raises Incomplete for what could not be read."""
    names = Names(artifact)
    walked = Walked()
    sparse: Entry | None = None
    count = 0
    for entry in entries(artifact.source, walked):
        count += 1
        if count > _MEMBERS:
            raise Incomplete("limit", f"more than {_MEMBERS:,} members")
        yield from _desync(artifact, entry)
        if entry.kind in LINKS:
            yield from names.link(entry.name, entry.target, hard=entry.kind == "1")
            continue
        yield from names.file(entry.name, device=entry.kind in DEVICES and entry.kind != "5")
        # readers take types they do not know for files, and a file's name may end like a folder's
        if entry.kind in DEVICES or entry.kind == "5":
            continue
        if not entry.size and (entry.kind in "DVM" or entry.name.endswith("/")):
            continue
        if entry.data + entry.size > artifact.source.size:
            if entry.data < artifact.source.size:  # lenient readers take what is there
                yield _inner(artifact, entry)
            raise Incomplete("truncated", f"member {entry.name[:200]!r} goes past the end", offset=entry.data)
        if entry.sparse:
            sparse = sparse or entry
        else:
            yield _inner(artifact, entry)
    if walked.behind >= 0:
        message = f"Headers go on at {walked.behind:,}, behind the end mark."
        yield rules.finding(BEHIND, artifact.at(offset=walked.behind), message, evidence="behind the end")
    if walked.broken >= 0:
        raise Incomplete("malformed", "a header's checksum is wrong", offset=walked.broken)
    if sparse is not None:
        raise Incomplete("unsupported", f"member {sparse.name[:200]!r} is stored sparse", offset=sparse.data)


INSPECTOR = Inspector(
    name="tar",
    claims=_claims,
    inspect=_inspect,
    rules=(LINK, OUT, THROUGH, TWICE, DESYNC, BEHIND),
    suffixes=(".tar",),
    container=True,
    reads="Tar archives under any name (ustar, pax, GNU and the oldest without a signature): every header with its "
    "checksum, extended headers and long names, and every member goes through all readers again. Told are names and "
    "links that lead out of the folder, files written through links, devices, names that come twice, sizes on which "
    "two headers disagree, and members behind the end mark.",
    misses="Members that GNU tar stored sparse are incomplete.",
)
