"""Files of records: TFRecord (the features of the first example), Avro (its schema).

Formats: tensorflow/core/lib/io/record_writer.h (length, masked CRC, data, CRC) with tf.train.Example in
tensorflow/core/example/example.proto; Avro specification, "Object Container Files".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.inspectors._datasets import dataset, unread
from mlgate.inspectors._protobuf import TEXT, Message, Walker
from mlgate.records import Artifact, Inspector, Observation
from mlgate.sources import SliceSource

_TFRECORD = re.compile(r".*\.tf_?records?(-\d{5}-of-\d{5})?", re.IGNORECASE)
_AVRO = b"Obj\x01"
_FIRST = 16 << 20  # bytes of the first record, or of Avro's header
# example.proto: Example.features, Features.feature (a map: key, value), Feature.kind
_EXAMPLE = {
    "example": {1: "features"},
    "features": {1: "entry"},
    "entry": {1: TEXT, 2: "feature"},
    "feature": {1: "bytes", 2: "float", 3: "int64"},
    "bytes": {},
    "float": {},
    "int64": {},
}


def _claims(artifact: Artifact) -> bool:
    if artifact.head.startswith(_AVRO):
        return True
    return _TFRECORD.fullmatch(artifact.name) is not None or artifact.name.lower().endswith(".avro")


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    avro = artifact.head.startswith(_AVRO) or artifact.name.lower().endswith(".avro")
    kind = "avro" if avro else "tfrecord"
    try:
        columns = _avro(artifact) if avro else _tfrecord(artifact)
    except Incomplete as stop:
        yield dataset(artifact, kind, properties=unread(stop.detail))
        return
    yield dataset(artifact, kind, columns)


def _tfrecord(artifact: Artifact) -> list[tuple[str, str]]:
    if artifact.head[:2] == b"\x1f\x8b":
        raise Incomplete("unsupported", "compressed with gzip")
    length = int.from_bytes(artifact.head[:8], "little")
    if len(artifact.head) < 16 or length > min(artifact.source.size - 16, _FIRST):
        raise Incomplete("malformed", "the first record has no length that fits")
    kinds: dict[str, str] = {}
    names: list[str] = []

    def closed(message: Message, around: list[Message]) -> None:
        if message.kind in ("bytes", "float", "int64") and len(around) >= 2:
            around[-2].texts.setdefault(-1, message.kind)
        elif message.kind == "entry":
            names.append(message.texts.get(1, ""))
            kinds.setdefault(names[-1], message.texts.get(-1, ""))

    Walker(SliceSource(artifact.source, 12, length), _EXAMPLE, closed).walk("example")
    return sorted(kinds.items())


def _avro(artifact: Artifact) -> list[tuple[str, str]]:
    cursor = Cursor(artifact.source)
    if cursor.take(4) != _AVRO:
        raise Incomplete("malformed", "no Avro header")
    for _ in range(1_000):
        count = _long(cursor)
        if not count:
            break
        if count < 0:
            _long(cursor)
        for _ in range(min(abs(count), 1_000)):
            key = cursor.take(_length(cursor))
            value = cursor.take(_length(cursor))
            if key == b"avro.schema":
                return _fields(value)
    raise Incomplete("malformed", "no schema")


def _length(cursor: Cursor) -> int:
    length = _long(cursor)
    if not 0 <= length <= _FIRST:
        raise Incomplete("malformed", f"{length:,} bytes are announced", offset=cursor.at)
    return length


def _long(cursor: Cursor) -> int:
    value = shift = 0
    while True:
        byte = cursor.take(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return (value >> 1) ^ -(value & 1)
        shift += 7
        if shift > 63:
            raise Incomplete("malformed", "a number of more than 64 bits", offset=cursor.at)


def _fields(text: bytes) -> list[tuple[str, str]]:
    try:
        schema: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Incomplete("malformed", "a schema that is no JSON") from error
    fields = schema.get("fields") if isinstance(schema, dict) else None
    found = []
    for each in fields if isinstance(fields, list) else []:
        if isinstance(each, dict):
            kind = each.get("type")
            words = map(_word, kind if isinstance(kind, list) else [kind])
            found.append((str(each.get("name", "")), " or ".join(word for word in words if word)))
    return found


def _word(kind: Any) -> str:
    inner = kind.get("type") if isinstance(kind, dict) else kind
    return inner if isinstance(inner, str) else ""


INSPECTOR = Inspector(
    name="records",
    claims=_claims,
    inspect=_inspect,
    rules=(),
    suffixes=(".tfrecord", ".tfrecords", ".avro"),
    reads="The features of the first example of a TFRecord file, and Avro's schema.",
    misses="Compressed TFRecord files, and how many records there are.",
)
