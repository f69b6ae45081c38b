"""The blocks of RAR archives, for the names in them and for members that were stored without packing.

Sources: "RAR 5.0 archive format" of rarlab.com; for RAR 1.5 to 4 the technote.txt that came with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.records import Source

FIVE, FOUR = b"Rar!\x1a\x07\x01\x00", b"Rar!\x1a\x07\x00"
_BLOCK = 2 << 20  # the specification's limit for a header
_STORED = 0x30  # RAR 4's method "storing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member; `why` says why its bytes do not stand in the file as they are, "" when they do."""

    name: str
    at: int
    size: int
    folder: bool
    why: str = ""


class _Fields:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        if self.at + length > len(self._data):
            raise Incomplete("malformed", "a RAR header ends early")
        self.at += length
        return self._data[self.at - length : self.at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def variable(self) -> int:
        """Seven bits a byte, the lowest first, while the eighth is set ("vint")."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise Incomplete("malformed", "a RAR number is too long")


def entries(source: Source) -> Iterator[Entry]:
    """All members of this volume. Raises Incomplete (malformed, truncated, encrypted, unsupported)."""
    if source.read_at(0, 8) == FIVE:
        yield from _five(source)
    elif source.read_at(0, 7) == FOUR:
        yield from _four(source)
    else:
        raise Incomplete("unsupported", "a RAR archive of an unknown version")


def _five(source: Source) -> Iterator[Entry]:
    at = len(FIVE)
    while at < source.size:
        head = source.read_at(at, 7)
        before = _Fields(head[4:])
        size = before.variable()
        start = at + 4 + before.at
        if not 0 < size <= _BLOCK:
            raise Incomplete("malformed", f"a RAR header of {size:,} bytes", offset=at)
        fields = _Fields(source.read_at(start, size))
        kind, flags = fields.variable(), fields.variable()
        extra = fields.variable() if flags & 1 else 0
        packed = fields.variable() if flags & 2 else 0
        at = start + size + packed
        if kind == 4:
            raise Incomplete("encrypted", "the RAR archive's headers are encrypted")
        if kind == 5:
            return
        if kind == 2:
            yield _five_file(fields, flags, start + size, packed, source.read_at(start + size - extra, extra))
        if at > source.size:
            break
    raise Incomplete("truncated", "the RAR archive has no end block: cut, or content behind the end of the file")


def _five_file(fields: _Fields, flags: int, at: int, packed: int, extra: bytes) -> Entry:
    kinds, size, _ = fields.variable(), fields.variable(), fields.variable()
    fields.take((4 if kinds & 2 else 0) + (4 if kinds & 4 else 0))
    method = fields.variable() >> 7 & 7
    fields.variable()
    name = fields.take(fields.variable()).decode("utf-8", "backslashreplace")
    why = ""
    if flags & 0x18:
        why = "continued in another volume"
    elif _encrypted(extra):
        why = "encrypted"
    elif method or size != packed:
        why = "packed"
    return Entry(name=name, at=at, size=packed, folder=bool(kinds & 1), why=why)


def _encrypted(extra: bytes) -> bool:
    fields = _Fields(extra)
    while fields.at < len(extra):
        record = fields.take(fields.variable())
        if record and _Fields(record).variable() == 1:
            return True
    return False


def _four(source: Source) -> Iterator[Entry]:
    at = len(FOUR)
    while at < source.size:
        fields = _Fields(source.read_at(at, 1 << 16))
        fields.take(2)
        kind, flags, size = fields.number(1), fields.number(2), fields.number(2)
        if size < 7:
            raise Incomplete("malformed", f"a RAR header of {size:,} bytes", offset=at)
        if kind == 0x73 and flags & 0x80:
            raise Incomplete("encrypted", "the RAR archive's headers are encrypted")
        if kind == 0x7B:
            return
        packed = fields.number(4) if flags & 0x8000 or kind in (0x74, 0x7A) else 0
        if kind in (0x74, 0x7A):
            entry = _four_file(fields, flags, at + size, packed)
            packed = entry.size
            if kind == 0x74:
                yield entry
        at += size + packed
        if at > source.size:
            raise Incomplete("truncated", "RAR content is behind the end of the file")


def _four_file(fields: _Fields, flags: int, at: int, packed: int) -> Entry:
    size = fields.number(4)
    fields.take(10)
    method, named = fields.number(1), fields.number(2)
    fields.take(4)
    if flags & 0x100:
        packed, size = packed | fields.number(4) << 32, size | fields.number(4) << 32
    name = fields.take(named).split(b"\0", 1)[0].decode("utf-8", "backslashreplace").replace("\\", "/")
    why = ""
    if flags & 3:
        why = "continued in another volume"
    elif flags & 4:
        why = "encrypted"
    elif method != _STORED or size != packed:
        why = "packed"
    return Entry(name=name, at=at, size=packed, folder=flags & 0xE0 == 0xE0, why=why)
