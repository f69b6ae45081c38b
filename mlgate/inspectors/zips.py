"""Plain ZIP archives: their structure, and every member once more round."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors import _ziprules
from mlgate.inspectors._zipdir import family
from mlgate.inspectors._zipwalk import Walk
from mlgate.records import Artifact, Inspector, Observation


def claims(artifact: Artifact) -> bool:
    """Archives that no more special reader takes."""
    return "zip" in artifact.formats and family(artifact.source) not in ("torch", "npz")


def inspect(artifact: Artifact) -> Iterator[Observation]:
    """Findings about the archive, then its members. Raises Incomplete for what could not be read."""
    walk = Walk(artifact)
    yield from walk.checks()
    stopped: Incomplete | None = None
    for member in walk.directory.members:
        try:
            yield from walk.open(member)
        except Incomplete as stop:
            stopped = stop
            if walk.budget.left <= 0:
                break
    if stopped is not None:
        raise stopped
    walk.finish()


INSPECTOR = Inspector(
    name="zips", claims=claims, inspect=inspect, rules=_ziprules.RULES, suffixes=(".zip",), container=True
)
