"""Arrow's schemas and messages (Arrow columnar format, "Serialization and Interprocess Communication"; Schema.fbs)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._flatbuffers import Buffer, Table
from mlgate.inspectors._members import member
from mlgate.inspectors._model_metadata import shown
from mlgate.records import Artifact, Category, Observation, Rule, Severity
from mlgate.sources import BytesSource, SliceSource

_MESSAGES = 100_000
_METADATA = 64 << 20  # bytes of one message's header
_FIELDS = 10_000
_DEPTH = 50
_SCHEMA, _BATCH = 1, 3  # MessageHeader in Message.fbs
_TYPES = (
    *("", "null", "int", "float", "binary", "utf8", "bool", "decimal", "date", "time", "timestamp", "interval", "list"),
    *("struct", "union", "fixed_size_binary", "fixed_size_list", "map", "duration", "large_binary", "large_utf8"),
    *("large_list", "run_end_encoded", "binary_view", "utf8_view", "list_view", "large_list_view"),
)
_PYTHON = ("arrow.py_extension_type",)  # pyarrow/types.pxi, PyExtensionType

PICKLED = Rule(
    id="MLG-MDL-148",
    title="Data file with a column type that is a pickle",
    severity=Severity.HIGH,
    category=Category.MODEL_FILE,
    help="The schema has an extension type `arrow.py_extension_type`: pyarrow before 14.0.1 unpickles its metadata "
    "when it reads the schema of an Arrow, Feather or Parquet file (CVE-2023-47248).",
    remediation="Do not read the file. Write it again without PyExtensionType, and use pyarrow 14.0.1 or later.",
    cwe=("CWE-502",),
    atlas=("AML.T0010", "AML.T0011.000"),
)


@dataclass(slots=True)
class Schema:
    """Columns with their types, and the metadata that extension types of Python have (they are pickles)."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    pickles: list[bytes] = field(default_factory=list)


def schema(table: Table) -> Schema:
    """The columns of a Schema table, nested ones for their extension types only. Raises Incomplete."""
    told = Schema()
    pending = [(child, 0) for child in _tables(table, 1)]
    pending.reverse()
    for _ in range(_FIELDS):
        if not pending:
            return told
        current, depth = pending.pop()
        kind = current.integer(2, "B")
        if not depth:
            name = _TYPES[kind] if kind < len(_TYPES) else f"type {kind}"
            told.columns.append((current.text(0, 200), _sized(current, name)))
        _extension(current, told)
        if depth >= _DEPTH:
            raise Incomplete("limit", f"columns are nested deeper than {_DEPTH}")
        pending.extend((child, depth + 1) for child in _tables(current, 5))
    raise Incomplete("limit", f"more than {_FIELDS:,} columns")


def _tables(table: Table, number: int) -> list[Table]:
    vector = table.vector(number)
    if vector.count > _FIELDS:
        raise Incomplete("limit", f"more than {_FIELDS:,} columns")
    return list(vector.tables())


def _sized(column: Table, name: str) -> str:
    inner = column.table(3)
    if inner is None:
        return name
    if name == "int":
        return f"{'int' if inner.integer(1, 'B') else 'uint'}{inner.integer(0, 'i')}"
    if name == "float":
        return {0: "float16", 1: "float32", 2: "float64"}.get(inner.integer(0, "h"), name)
    return name


def _extension(column: Table, told: Schema) -> None:
    pairs = {}
    for entry in _tables(column, 6):
        where = entry.where(1)
        key = entry.text(0, 200)
        if where is None:
            continue
        start = column.buffer.follow(where)
        length = column.buffer.integer(start, "I")
        pairs[key] = (start + 4, length)
    at, length = pairs.get("ARROW:extension:name", (0, 0))
    if length and column.buffer.take(at, min(length, 100)).decode("latin-1") in _PYTHON:
        at, length = pairs.get("ARROW:extension:metadata", (0, 0))
        told.pickles.append(column.buffer.take(at, min(length, 1 << 20)) if length else b"")


@dataclass(slots=True)
class Stream:
    """What the messages of a stream say: the schema, and the rows of all batches up to where it ends."""

    schema: Schema
    rows: int = 0


def stream(artifact: Artifact, start: int = 0) -> Stream:
    """The encapsulated messages from `start` on. Raises Incomplete when the first is no schema, or one is broken."""
    source = artifact.source
    told: Stream | None = None
    at = start
    for _ in range(_MESSAGES):
        mark = source.read_at(at, 8)
        prefix = 8 if mark[:4] == b"\xff\xff\xff\xff" else 4  # before Arrow 0.15 there was no continuation mark
        size = int.from_bytes(mark[prefix - 4 : prefix], "little", signed=True)
        if len(mark) < prefix or size == 0 or (told is not None and mark[:6] == b"ARROW1"):
            break
        if not 0 < size <= _METADATA:
            raise Incomplete("malformed", f"a message header of {size:,} bytes", offset=at)
        message = Buffer(SliceSource(source, at + prefix, size)).root()
        kind, header, body = message.integer(1, "B"), message.table(2), message.integer(3, "q")
        if told is None:
            if kind != _SCHEMA or header is None:
                raise Incomplete("malformed", "the first message is no schema", offset=at)
            told = Stream(schema(header))
        elif kind == _BATCH and header is not None:
            told.rows += max(0, header.integer(0, "q"))
        at += prefix + size + max(0, body)
        if body < 0 or at > source.size:
            raise Incomplete("truncated", "a message goes past the end", offset=at)
    else:
        raise Incomplete("limit", f"more than {_MESSAGES:,} messages", offset=at)
    if told is None:
        raise Incomplete("malformed", "no messages", offset=at)
    return told


def encoded(message: bytes) -> Schema:
    """The schema in an encapsulated message: what Parquet keeps, in base64, under the key ARROW:schema."""
    artifact = Artifact(path="", name="", source=BytesSource(message))
    return stream(artifact).schema


def pickled(artifact: Artifact, told: Schema) -> Iterator[Observation]:
    """A finding for each pickle in the schema, and the pickle itself, for its own reader."""
    for number, data in enumerate(told.pickles[:20]):
        message = "A column's type is made by unpickling."
        yield rules.finding(PICKLED, artifact.at(), message, evidence=shown(repr(data[:60]), 100))
        yield member(artifact, f"extension-{number}.pkl", BytesSource(data))
