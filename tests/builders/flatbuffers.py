"""FlatBuffers from plain Python values, written front to back: every offset points forward, as the format wants.

A table is a dict of field number to value. Values: (code, number) for scalars, str, bytes (a vector of bytes),
`Vector` for vectors of scalars, dict for tables, and list for vectors of tables or of strings.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Fields = Mapping[int, Any]


@dataclass(frozen=True)
class Vector:
    """A vector of scalars of a struct format code."""

    code: str
    values: tuple[int, ...]


def flatbuffer(root: Fields, identifier: bytes = b"", *, prefixed: bool = False) -> bytes:
    """A whole buffer; `prefixed` puts its size in front."""
    out = bytearray(4) + identifier
    out += bytes(-len(out) % 8)
    place = _table(out, root)
    struct.pack_into("<I", out, 0, place)
    return struct.pack("<I", len(out)) + bytes(out) if prefixed else bytes(out)


def _align(out: bytearray, width: int) -> int:
    out += bytes(-len(out) % width)
    return len(out)


def _value(out: bytearray, value: Any) -> int:
    """Writes what an offset points to; gives where it is."""
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogateescape")
        at = _align(out, 4)
        out += struct.pack("<I", len(raw)) + raw + b"\0"
        return at
    if isinstance(value, bytes):
        out += bytes(-(len(out) + 4) % 16)
        at = len(out)
        out += struct.pack("<I", len(value)) + value
        return at
    if isinstance(value, Vector):
        _align(out, 8)
        out += bytes(4)
        at = len(out)
        out += struct.pack(f"<I{len(value.values)}{value.code}", len(value.values), *value.values)
        return at
    if isinstance(value, list):
        at = _align(out, 4)
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for index, item in enumerate(value):
            slot = at + 4 + 4 * index
            struct.pack_into("<I", out, slot, _value(out, item) - slot)
        return at
    return _table(out, value)


def _table(out: bytearray, fields: Fields) -> int:
    slots: dict[int, int] = {}
    body = bytearray(4)
    for number, value in fields.items():
        scalar = isinstance(value, tuple)
        width = struct.calcsize("<" + value[0]) if scalar else 4
        body += bytes(-len(body) % width)
        slots[number] = len(body)
        body += struct.pack("<" + value[0], value[1]) if scalar else bytes(4)
    listed = _align(out, 8)
    count = max(fields, default=-1) + 1
    out += struct.pack("<HH", 4 + 2 * count, len(body))
    out += struct.pack(f"<{count}H", *(slots.get(number, 0) for number in range(count)))
    at = _align(out, 8)
    struct.pack_into("<i", body, 0, at - listed)
    out += body
    for number, value in fields.items():
        if not isinstance(value, tuple):
            slot = at + slots[number]
            struct.pack_into("<I", out, slot, _value(out, value) - slot)
    return at
