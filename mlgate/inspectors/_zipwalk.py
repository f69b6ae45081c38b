"""Walks an archive's members: strict checks, lenient reading, the same for plain, torch and npz archives."""

from __future__ import annotations

import dataclasses
import stat
import zlib
from collections.abc import Callable, Iterator

from mlgate import rules as catalogue
from mlgate.errors import Incomplete
from mlgate.identify import HEAD, identify
from mlgate.inspectors import _ziprules as rules
from mlgate.inspectors._zipdir import (
    ENCRYPTED,
    LOCAL,
    MASKED,
    STRONG,
    Directory,
    Local,
    Member,
    read_directory,
    read_local,
)
from mlgate.inspectors._zipunpack import Budget, unpack, zip_decompressor
from mlgate.records import Artifact, Finding, Rule, Source
from mlgate.sources import SliceSource

_SAID = 50  # findings of one rule about one archive
_CHECKED = 256 << 20  # stored members up to this size have their checksum verified
_DESCRIPTOR = 8
_STORED = 0


class Walk:
    """One archive. `checks` yields findings about its structure; `open` gives a member as an artifact.

    Encrypted members and unknown methods are remembered: call `finish` when everything else was looked at, it
    raises Incomplete for them.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.source = artifact.source
        self.directory: Directory = read_directory(artifact.source)
        self.budget = Budget(left=artifact.limits.unpacked, ratio=artifact.limits.ratio)
        self._locals: dict[int, Local | None] = {}
        self._count: dict[str, int] = {}
        self._stopped: Incomplete | None = None

    def checks(self, *, links: bool = False) -> Iterator[Finding]:
        """What a strict reader would refuse; links too, unless the caller has `links` and follows them itself."""
        for kind, detail in self.directory.oddities:
            rule = rules.OUTSIDE if kind == "outside" else rules.AMBIGUOUS
            yield from self._say(rule, detail, kind if kind == "outside" else "directory")
        seen: set[bytes] = set()
        for member in self.directory.members:
            if member.raw in seen:
                yield from self._say(rules.DUPLICATE, f"two members are named {member.name[:200]!r}", member.name)
            seen.add(member.raw)
            if stat.S_ISLNK(member.mode) and not links:
                yield from self._say(rules.LINK_IN_MODEL, f"{member.name[:200]!r} is a link", member.name)
            if _unsafe(member.name):
                yield from self._say(rules.UNSAFE_NAME, f"a member is named {member.name[:200]!r}", member.name)
            local = self.local(member)
            if member.alias is not None and member.raw.isascii() and member.alias != member.raw:
                alias = member.alias.decode("utf-8", "backslashreplace")[:200]
                detail = f"{member.name[:200]!r} is also named {alias!r}"
                yield from self._say(rules.HEADERS, detail, member.name)
                if _unsafe(alias):
                    yield from self._say(rules.UNSAFE_NAME, f"a member is named {alias!r}", alias)
            if local is None:
                yield from self._say(rules.AMBIGUOUS, f"{member.name[:200]!r} has no data where it should", member.name)
            else:
                yield from self._compare(member, local)
        yield from self._layout()

    def local(self, member: Member) -> Local | None:
        """The local header, or None when there is none."""
        if member.header not in self._locals:
            try:
                self._locals[member.header] = read_local(self.source, member)
            except Incomplete:
                self._locals[member.header] = None
        return self._locals[member.header]

    def _compare(self, member: Member, local: Local) -> Iterator[Finding]:
        differ = []
        if local.raw != member.raw:
            differ.append(f"name {local.raw[:100]!r}")
        if local.method != member.method:
            differ.append(f"method {local.method}")
        if (local.flags ^ member.flags) & (ENCRYPTED | STRONG):
            differ.append("encryption")
        if not local.flags & _DESCRIPTOR or local.packed:
            if local.size != member.size or local.packed != member.packed:
                differ.append(f"size {local.size:,}")
            if local.crc != member.crc and not (local.flags & _DESCRIPTOR):
                differ.append("checksum")
        encrypted = (member.flags | local.flags) & (ENCRYPTED | STRONG)
        if member.method == _STORED and member.packed != member.size and not encrypted:
            differ.append(f"{member.packed:,} bytes of {member.size:,}, although it is not packed,")
        if differ:
            detail = f"{member.name[:200]!r} has {', '.join(differ)} in its local header"
            yield from self._say(rules.HEADERS, detail, member.name)

    def _layout(self) -> Iterator[Finding]:
        """Overlaps, and members between the others that the directory does not list."""
        spans = []
        for member in {member.header: member for member in self.directory.members}.values():
            local = self.local(member)
            if local is not None:
                spans.append((member.header, local.data + member.packed, member.name))
        spans.sort()
        reached = 0
        for start, end, name in [*spans, (self.directory.start, self.directory.start, "")]:
            if start < reached:
                yield from self._say(rules.OVERLAP, f"{name[:200]!r} lies inside another member", name or "directory")
            elif start - reached >= 30 and LOCAL in self.source.read_at(reached, min(start - reached, 1 << 16)):
                yield from self._say(rules.AMBIGUOUS, "a member is not in the directory", "unlisted member")
            reached = max(reached, end)

    def _say(self, rule: Rule, detail: str, evidence: str) -> Iterator[Finding]:
        self._count[rule.id] = self._count.get(rule.id, 0) + 1
        if self._count[rule.id] <= _SAID:
            message = f"{detail[:1].upper()}{detail[1:]}."
            yield catalogue.finding(rule, self.artifact.at(), message, evidence=evidence[:200])

    # -- content

    def open(self, member: Member, wanted: Callable[[Member], bool] | None = None) -> Iterator[Finding | Artifact]:
        """The member as an artifact one level deeper, after a finding when its checksum is wrong.

        `wanted` says whether the checksum of a stored member is worth a reading of it. Raises Incomplete (limit).
        """
        local = self.local(member)
        if local is None or member.directory:
            if local is None:
                self._remember(
                    Incomplete("malformed", f"{member.name[:100]!r} has no local header", offset=member.header)
                )
            return
        if (member.flags | local.flags) & (ENCRYPTED | STRONG | MASKED) and self._truly_encrypted(member, local):
            self._remember(Incomplete("encrypted", f"the member {member.name[:100]!r} is encrypted"))
            return
        crc: int | None = None
        content: Source
        if member.method == _STORED:
            content = SliceSource(self.source, local.data, max(0, min(member.packed, self.source.size - local.data)))
            if wanted is None or wanted(member):
                crc = _crc(content)
        else:
            known = zip_decompressor(member.method, self.source, local.data)
            if known is None:
                self._remember(
                    Incomplete(
                        "unsupported", f"the member {member.name[:100]!r} has compression method {member.method}"
                    )
                )
                return
            make, skip = known
            unpacked = unpack(self.source, local.data + skip, member.packed - skip, make, self.budget)
            content, crc = unpacked.source, unpacked.crc
            if unpacked.problem:
                self._remember(Incomplete("malformed", f"{member.name[:100]!r} does not unpack: {unpacked.problem}"))
        artifact = self._artifact(member, content)
        if crc is not None and crc != member.crc:
            yield catalogue.finding(
                rules.CHECKSUM, artifact.at(), f"The checksum of {member.name[:200]!r} is wrong.", evidence="crc-32"
            )
        yield artifact

    def _truly_encrypted(self, member: Member, local: Local) -> bool:
        """A flag alone hides nothing from readers that ignore it: stored content with the right checksum is plain."""
        if member.method != _STORED or member.packed > _CHECKED:
            return True
        return _crc(SliceSource(self.source, local.data, member.packed)) != member.crc

    def _artifact(self, member: Member, content: Source) -> Artifact:
        outer = self.artifact
        head = content.read_at(0, HEAD)
        return Artifact(
            path=outer.path,
            name=member.name.rsplit("/", 1)[-1],
            source=content,
            head=head,
            formats=identify(content, head),
            member=f"{outer.member}!{member.name}" if outer.member else member.name,
            depth=outer.depth + 1,
            limits=dataclasses.replace(outer.limits, unpacked=max(0, self.budget.left)),
        )

    def _remember(self, stop: Incomplete) -> None:
        if self._stopped is None or stop.reason == "encrypted":
            self._stopped = stop

    def finish(self) -> None:
        """Raises Incomplete when a member could not be read."""
        if self._stopped is not None:
            raise self._stopped


def _crc(source: Source) -> int | None:
    if source.size > _CHECKED:
        return None
    crc = 0
    for offset in range(0, source.size, 1 << 20):
        crc = zlib.crc32(source.read_at(offset, 1 << 20), crc)
    return crc


def _unsafe(name: str) -> bool:
    path = name.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or path[1:2] == ":" or any(ord(char) < 32 for char in name)
