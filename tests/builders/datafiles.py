"""Data files: Arrow streams and files, Parquet footers, TFRecord and Avro headers, by their specifications."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from tests.builders.flatbuffers import flatbuffer

INT, FLOAT, UTF8 = 2, 3, 5  # Type in Schema.fbs


def column(
    name: str,
    kind: int,
    inner: dict[int, Any] | None = None,
    *,
    extension: tuple[str, bytes] | None = None,
    children: tuple[dict[int, Any], ...] = (),
) -> dict[int, Any]:
    """A Field of Schema.fbs."""
    fields: dict[int, Any] = {0: name, 1: ("B", 1), 2: ("B", kind), 3: inner or {}, 5: list(children)}
    if extension:
        fields[6] = [
            {0: "ARROW:extension:name", 1: extension[0]},
            {0: "ARROW:extension:metadata", 1: extension[1].decode("utf-8", "surrogateescape")},
        ]
    return fields


def _message(kind: int, header: dict[int, Any], body: bytes = b"") -> bytes:
    made = flatbuffer({0: ("h", 4), 1: ("B", kind), 2: header, 3: ("q", len(body))})
    made += bytes(-len(made) % 8)
    return b"\xff\xff\xff\xff" + struct.pack("<i", len(made)) + made + body


def arrow_stream(*columns: dict[int, Any], batches: tuple[int, ...] = ()) -> bytes:
    """A stream: the schema, a batch of each number of rows, the end."""
    parts = [_message(1, {1: list(columns)})]
    parts += [_message(3, {0: ("q", rows)}, b"\0" * 16) for rows in batches]
    return b"".join(parts) + b"\xff\xff\xff\xff\0\0\0\0"


def arrow_file(*columns: dict[int, Any], batches: tuple[int, ...] = ()) -> bytes:
    """The same as a file; the footer, which nothing here needs, is left out."""
    return b"ARROW1\0\0" + arrow_stream(*columns, batches=batches) + b"ARROW1"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def thrift(fields: dict[int, Any]) -> bytes:
    """A struct in Thrift's compact protocol: int, bytes, list of structs, struct."""
    out, last = bytearray(), 0
    for number, value in sorted(fields.items()):
        kind, data = _thrift(value)
        out += bytes([(number - last) << 4 | kind]) + data
        last = number
    return bytes(out) + b"\0"


def _thrift(value: Any) -> tuple[int, bytes]:
    if isinstance(value, int):
        return 6, _varint(value * 2 if value >= 0 else -value * 2 - 1)
    if isinstance(value, bytes):
        return 8, _varint(len(value)) + value
    if isinstance(value, list):
        return 9, bytes([0xF0 | 12]) + _varint(len(value)) + b"".join(thrift(item) for item in value)
    return 12, thrift(value)


def parquet(*columns: dict[int, Any], rows: int = 3, pairs: dict[bytes, bytes] | None = None) -> bytes:
    """A file of a footer only. Columns are SchemaElements: 1 type, 4 name, 5 children, 6 converted type."""
    footer: dict[int, Any] = {1: 1, 2: [{4: b"schema", 5: len(columns)}, *columns], 3: rows, 6: b"parquet-cpp 1.0"}
    if pairs:
        footer[5] = [{1: key, 2: value} for key, value in pairs.items()]
    data = thrift(footer)
    return b"PAR1" + data + struct.pack("<I", len(data)) + b"PAR1"


def parquet_of_arrow(schema: bytes) -> bytes:
    """A Parquet file with pyarrow's schema beside its own."""
    return parquet({1: 2, 4: b"e"}, pairs={b"ARROW:schema": base64.b64encode(schema)})


def tfrecord(**features: str) -> bytes:
    """One tf.train.Example with empty features of the kinds bytes, float and int64."""
    entries = b""
    for name, kind in features.items():
        feature = bytes([{"bytes": 0x0A, "float": 0x12, "int64": 0x1A}[kind], 0])
        key = b"\x0a" + bytes([len(name)]) + name.encode()
        entry = key + b"\x12" + bytes([len(feature)]) + feature
        entries += b"\x0a" + bytes([len(entry)]) + entry
    example = b"\x0a" + bytes([len(entries)]) + entries
    return struct.pack("<Q", len(example)) + b"\0" * 4 + example + b"\0" * 4


def avro(**fields: Any) -> bytes:
    """The header of an Avro file with a record schema."""
    schema = {"type": "record", "name": "R", "fields": [{"name": name, "type": kind} for name, kind in fields.items()]}
    text = json.dumps(schema).encode()
    return (
        b"Obj\x01" + _varint(2) + _varint(2 * 11) + b"avro.schema" + _varint(2 * len(text)) + text + b"\0" + b"s" * 16
    )
