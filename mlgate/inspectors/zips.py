"""Plain ZIP archives: their structure, and every member once more round."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors import _ziprules
from mlgate.inspectors._members import LINK, THROUGH, Names
from mlgate.inspectors._zipdir import family
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import Artifact, Inspector, Observation

_LINK_LENGTH = 4096


def claims(artifact: Artifact) -> bool:
    """Archives that no more special reader takes."""
    return "zip" in artifact.formats and family(artifact.source) not in ("torch", "npz")


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """Findings about the archive, then its members. Raises Incomplete for what could not be read."""
    walk = Walk(artifact)
    yield from walk.checks(links=True)
    stopped: Incomplete | None = None
    names = Names(artifact)
    for member in walk.directory.members:
        try:
            for found in walk.open(member):
                if stat.S_ISLNK(member.mode) and isinstance(found, Artifact):
                    target = found.source.read_at(0, _LINK_LENGTH).decode("utf-8", "backslashreplace")
                    yield from names.link(member.name, target, hard=False)
                yield found
            if not stat.S_ISLNK(member.mode):
                yield from names.through(member.name)
        except Incomplete as stop:
            stopped = stop
            if walk.budget.left <= 0:
                break
    if stopped is not None:
        raise stopped
    walk.finish()


INSPECTOR = Inspector(
    name="zips",
    claims=claims,
    inspect=inspect,
    rules=(*_ziprules.RULES, LINK, THROUGH),
    suffixes=(".zip",),
    container=True,
    reads="ZIP archives under any name, also behind other content, as zipfile and as torch find them: both headers of "
    "every member are compared, overlaps, second directories, names and links that lead out are told, and every member "
    "packed with Deflate, BZip2, LZMA, xz or zstd goes through all readers again.",
    misses="Members packed with Deflate64, PPMd or other methods, encrypted ones, and archives in several volumes are "
    "incomplete.",
)
