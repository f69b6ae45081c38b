"""RAR archives: members stored without packing once more round, of all others the names."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._members import LINK, OUT, THROUGH, TWICE, Names, member
from mlgate.inspectors._rarheaders import Entry, entries
from mlgate.records import Artifact, Inspector, Observation
from mlgate.sources import SliceSource

_MEMBERS = 100_000


def _claims(artifact: Artifact) -> bool:
    return "rar" in artifact.formats


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    """Findings and members. Raises Incomplete for every member that is packed, which most are."""
    names = Names(artifact)
    unread: list[Entry] = []
    for count, entry in enumerate(entries(artifact.source)):
        if count >= _MEMBERS:
            raise Incomplete("limit", f"more than {_MEMBERS:,} members")
        yield from names.file(f"{entry.name}/" if entry.folder else entry.name)
        if entry.folder:
            continue
        if entry.why:
            unread.append(entry)
        else:
            yield member(artifact, entry.name, SliceSource(artifact.source, entry.at, entry.size))
    if unread:
        locked = next((entry for entry in unread if entry.why == "encrypted"), None)
        listed = ", ".join(repr(entry.name[:60]) for entry in unread[:3])
        why = (locked or unread[0]).why
        reason = "encrypted" if locked else "unsupported"
        raise Incomplete(reason, f"{len(unread):,} members of a RAR archive are {why}: {listed}")


INSPECTOR = Inspector(
    name="rar",
    claims=_claims,
    inspect=_inspect,
    rules=(LINK, OUT, THROUGH, TWICE),
    suffixes=(".rar",),
    container=True,
    reads="RAR archives of versions 1.5 to 5: the names of the members, and names that lead out of the folder. Members "
    "stored without packing go through all readers again.",
    misses="Packed and encrypted members are not unpacked, so nearly every RAR archive is incomplete.",
)
