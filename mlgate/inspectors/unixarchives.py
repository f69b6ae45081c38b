"""ar and cpio archives (Debian and RPM packages, static libraries, initial file systems): every member once more."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._members import LINK, OUT, THROUGH, TWICE, Names, member
from mlgate.inspectors._unixheaders import ar_entries, cpio_entries, is_ar, is_cpio
from mlgate.records import Artifact, Inspector, Observation
from mlgate.sources import SliceSource

_MEMBERS = 100_000
_LINK_LENGTH = 4096


def _claims(artifact: Artifact) -> bool:
    return is_ar(artifact.head) or is_cpio(artifact.head)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    """Findings and members. Raises Incomplete for what could not be read."""
    library = is_ar(artifact.head)
    names = Names(artifact)
    for count, entry in enumerate(ar_entries(artifact.source) if library else cpio_entries(artifact.source)):
        if count >= _MEMBERS:
            raise Incomplete("limit", f"more than {_MEMBERS:,} members")
        inside = SliceSource(artifact.source, entry.at, entry.size)
        kind = stat.S_IFMT(entry.mode)
        if kind == stat.S_IFLNK:
            target = inside.read_at(0, _LINK_LENGTH).decode("utf-8", "backslashreplace")
            yield from names.link(entry.name, target, hard=False)
            continue
        if not library:  # libraries may hold several objects of one name, and nobody unpacks them into folders
            device = kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO)
            yield from names.file(f"{entry.name}/" if stat.S_ISDIR(entry.mode) else entry.name, device=device)
        if kind in (0, stat.S_IFREG) or entry.size:
            yield member(artifact, entry.name or "rest", inside)


INSPECTOR = Inspector(
    name="unixarchives",
    claims=_claims,
    inspect=_inspect,
    rules=(LINK, OUT, THROUGH, TWICE),
    suffixes=(".ar", ".cpio", ".deb", ".udeb"),
    container=True,
    reads="ar archives (Debian packages, static libraries) and cpio archives in their ASCII formats: every member goes "
    "through all readers again; of cpio also names and links that lead out of the folder, devices, and what follows "
    "the end.",
    misses="The binary format of cpio is not noticed. RPM packages are not unpacked.",
)
