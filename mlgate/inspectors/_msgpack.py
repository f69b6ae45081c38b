"""MessagePack by its specification: the shapes of values, and small documents as trees that leave long bytes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgate.errors import Incomplete
from mlgate.inspectors._cursor import Cursor
from mlgate.records import Source

LENGTHS = {0xC4: "B", 0xC5: "H", 0xC6: "I", 0xC7: "B", 0xC8: "H", 0xC9: "I", 0xD9: "B", 0xDA: "H", 0xDB: "I"}
_COUNTS = {0xDC: ("H", 1), 0xDD: ("I", 1), 0xDE: ("H", 2), 0xDF: ("I", 2)}
_FIXED = {
    0xC0: 0,
    0xC2: 0,
    0xC3: 0,
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
}
_ITEMS = 300_000
_DEPTH = 100
_SHORT = 4_096  # bytes of a string that are kept; longer ones stay where they are, as all other bytes do
_HEAD = 256  # of those


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that were left in the source: a long string, a binary or an extension. `head` is how they begin."""

    start: int
    size: int
    head: bytes = b""


@dataclass(slots=True)
class _Open:
    left: int
    value: list[Any]


def children(byte: int, cursor: Cursor) -> int | None:
    """How many values an array or a map holds; None for everything else."""
    if 0x80 <= byte <= 0x8F:
        return 2 * (byte & 15)
    if 0x90 <= byte <= 0x9F:
        return byte & 15
    if byte in _COUNTS:
        code, each = _COUNTS[byte]
        return each * cursor.number(code)
    return None


def size_of(byte: int, cursor: Cursor) -> int:
    """The bytes of a value that holds no others."""
    if byte < 0x80 or byte >= 0xE0:
        return 0
    if 0xA0 <= byte <= 0xBF:
        return byte & 31
    if byte in LENGTHS:
        return cursor.number(LENGTHS[byte])
    if byte in _FIXED:
        return _FIXED[byte]
    raise Incomplete("malformed", f"0x{byte:02x} begins no value", offset=cursor.at - 1)


def document(source: Source) -> Any:
    """The value that a source holds: lists, lists of pairs in `Map`, short text, numbers as None, and `Span` for bytes.

    Numbers carry nothing that a check needs. Raises Incomplete when it is no MessagePack, or too large or deep.
    """
    cursor = Cursor(source, order=">")
    root = _Open(1, [])
    stack = [root]
    for _ in range(_ITEMS):
        while stack and not stack[-1].left:
            stack.pop()
        if not stack:
            if cursor.at != source.size:
                raise Incomplete("malformed", "bytes follow the document", offset=cursor.at)
            return root.value[0]
        top = stack[-1]
        top.left -= 1
        at = cursor.at
        byte = cursor.take(1)[0]
        count = children(byte, cursor)
        if count is None:
            top.value.append(_leaf(byte, cursor))
            continue
        is_map = 0x80 <= byte <= 0x8F or byte in (0xDE, 0xDF)
        values: list[Any] = Map() if is_map else []
        top.value.append(values)
        if count:
            if len(stack) >= _DEPTH:
                raise Incomplete("limit", f"nested deeper than {_DEPTH}", offset=at)
            stack.append(_Open(count, values))
    raise Incomplete("limit", f"more than {_ITEMS:,} values", offset=cursor.at)


class Map(list[Any]):
    """A map's keys and values, one after the other, as they stand: keys may come twice."""

    def pairs(self) -> list[tuple[str, Any]]:
        """(key, value) of all keys that are text or bytes; of long ones the beginning."""
        found = []
        for key, value in zip(self[::2], self[1::2], strict=False):
            if isinstance(key, str):
                found.append((key, value))
            elif isinstance(key, Span):  # programs that write keys as bytes
                found.append((key.head.decode("utf-8", "backslashreplace"), value))
        return found


def _leaf(byte: int, cursor: Cursor) -> Any:
    if byte in (0xC2, 0xC3):
        return byte == 0xC3
    if byte in (0xC7, 0xC8, 0xC9) or 0xD4 <= byte <= 0xD8:
        length = cursor.number(LENGTHS[byte]) if byte in LENGTHS else 1 << (byte - 0xD4)
        cursor.skip(1)
    else:
        length = size_of(byte, cursor)
        if byte in _FIXED or not length:
            cursor.skip(length)
            return "" if byte in (0xA0, 0xD9, 0xDA, 0xDB) else None
    text = 0xA0 <= byte <= 0xBF or byte in (0xD9, 0xDA, 0xDB)
    if text and length <= _SHORT:
        return cursor.take(length).decode("utf-8", "backslashreplace")
    start = cursor.at
    head = cursor.take(min(length, _HEAD))
    cursor.skip(length - len(head))
    return Span(start, length, head)
