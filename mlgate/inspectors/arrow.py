"""Arrow files and streams, Feather version 2: columns with types, and rows, from their headers.

Format: Arrow columnar format, "IPC File Format" (ARROW1, messages, footer) and "IPC Streaming Format", which is what
the `datasets` library writes under `.arrow`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._arrow import PICKLED, pickled, stream
from mlgate.inspectors._datasets import dataset, unread
from mlgate.records import Artifact, Inspector, Observation

_SUFFIXES = (".arrow", ".feather", ".arrows", ".ipc")
_FILE = b"ARROW1\0\0"


def _claims(artifact: Artifact) -> bool:
    return artifact.head.startswith(_FILE) or artifact.name.lower().endswith(_SUFFIXES)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        told = stream(artifact, len(_FILE) if artifact.head.startswith(_FILE) else 0)
    except Incomplete as stop:
        yield dataset(artifact, "arrow", properties=unread(stop.detail))
        return
    yield dataset(artifact, "arrow", told.schema.columns, rows=told.rows)
    yield from pickled(artifact, told.schema)


INSPECTOR = Inspector(
    name="arrow",
    claims=_claims,
    inspect=_inspect,
    rules=(PICKLED,),
    suffixes=_SUFFIXES,
    reads="Arrow files, streams and Feather 2: columns with types, the rows of all batches, and extension types that "
    "pyarrow makes by unpickling.",
    misses="Feather 1.",
)
