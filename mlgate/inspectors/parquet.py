"""Parquet files: columns with types, rows and writer, from the footer.

Format: apache/parquet-format, README ("File format") and parquet.thrift (FileMetaData).
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator
from typing import Any

from mlgate.errors import Incomplete
from mlgate.inspectors._arrow import PICKLED, Schema, encoded, pickled
from mlgate.inspectors._datasets import dataset, unread
from mlgate.inspectors._model_metadata import shown
from mlgate.inspectors._thrift import Compact
from mlgate.records import Artifact, Inspector, Observation

_SUFFIXES = (".parquet", ".pq", ".geoparquet")
_LARGEST = 64 << 20
# FileMetaData: schema, num_rows, key_value_metadata, created_by; the row groups are stepped over
_WANTED = frozenset({2, 3, 5, 6})
_TYPES = ("boolean", "int32", "int64", "int96", "float", "double", "byte_array", "fixed_len_byte_array")
_CONVERTED = {0: "string", 1: "map", 3: "list", 4: "enum", 5: "decimal", 6: "date", 19: "json"}


def _claims(artifact: Artifact) -> bool:
    return artifact.head.startswith(b"PAR1") or artifact.name.lower().endswith(_SUFFIXES)


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    try:
        footer = _footer(artifact)
        columns = list(_columns(footer.get(2)))
        pairs = dict(_pairs(footer.get(5)))
    except Incomplete as stop:
        yield dataset(artifact, "parquet", properties=unread(stop.detail))
        return
    rows = footer.get(3)
    writer = footer.get(6)
    properties = []
    if isinstance(writer, bytes):
        properties.append(("mlgate:data:writer", shown(writer[:200].decode("utf-8", "replace"), 100)))
    columns = _features(pairs.get(b"huggingface", b"")) or columns
    yield dataset(
        artifact,
        "parquet",
        columns,
        rows=rows if isinstance(rows, int) and rows >= 0 else None,
        properties=tuple(properties),
    )
    kept = pairs.get(b"ARROW:schema")
    if kept is not None:
        yield from pickled(artifact, _arrow(kept))


def _footer(artifact: Artifact) -> dict[int, Any]:
    source = artifact.source
    tail = source.read_at(source.size - 8, 8) if source.size >= 12 else b""
    if tail[4:] == b"PARE":
        raise Incomplete("encrypted", "the footer is encrypted")
    if tail[4:] != b"PAR1":
        raise Incomplete("malformed", "no Parquet footer")
    length = int.from_bytes(tail[:4], "little")
    if length > min(source.size - 8, _LARGEST):
        raise Incomplete("truncated", f"a footer of {length:,} bytes")
    return Compact(source.read_at(source.size - 8 - length, length)).struct(wanted=_WANTED)


def _columns(elements: Any) -> Iterator[tuple[str, str]]:
    """The leaves and groups below the root, which stands first."""
    listed = elements if isinstance(elements, list) else []
    skip = 0
    for element in listed[1:]:
        if not isinstance(element, dict):
            raise Incomplete("malformed", "a schema that is none")
        children = element.get(5)
        count = children if isinstance(children, int) and children > 0 else 0
        if skip:  # a field of a nested column
            skip += count - 1
            continue
        name = element.get(4, b"")
        yield name.decode("utf-8", "replace") if isinstance(name, bytes) else "", _type(element, nested=bool(count))
        skip = count


def _type(element: dict[int, Any], *, nested: bool) -> str:
    converted = element.get(6)
    if isinstance(converted, int) and converted in _CONVERTED:
        return _CONVERTED[converted]
    kind = element.get(1)
    if nested or not isinstance(kind, int) or not 0 <= kind < len(_TYPES):
        return "group"
    return _TYPES[kind]


def _pairs(listed: Any) -> Iterator[tuple[bytes, bytes]]:
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get(1), bytes):
            value = entry.get(2, b"")
            yield entry[1], value if isinstance(value, bytes) else b""


def _features(text: bytes) -> list[tuple[str, str]]:
    """The features that the `datasets` library notes under the key `huggingface`."""
    try:
        features = json.loads(text)["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    if not isinstance(features, dict):
        return []
    return [(name, _feature(value)) for name, value in features.items()]


def _feature(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    kind, inner = str(value.get("_type", "")), value.get("dtype")
    return f"{kind}({inner})" if kind == "Value" and isinstance(inner, str) else kind


def _arrow(text: bytes) -> Schema:
    """The Arrow schema beside Parquet's own; one that cannot be read is one that pyarrow cannot read either."""
    try:
        return encoded(binascii.a2b_base64(text))
    except (Incomplete, binascii.Error):
        return Schema()


INSPECTOR = Inspector(
    name="parquet",
    claims=_claims,
    inspect=_inspect,
    rules=(PICKLED,),
    suffixes=_SUFFIXES,
    reads="Parquet's footer: columns with types, rows, the writer, features that the `datasets` library notes, and "
    "extension types that pyarrow makes by unpickling.",
    misses="The data pages. An encrypted footer says nothing.",
)
