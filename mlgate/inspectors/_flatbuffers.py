"""FlatBuffers read in place, as their verifier would (flatbuffers.dev, "FlatBuffer Internals").

Offsets only point forward, so there are no cycles, but many offsets may share one target: all looks are counted, and
a buffer that needs more of them than a real one could is given up.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.records import Source

_PAGE = 1 << 16
_PAGES = 64
_LOOKS = 20_000_000
_TEXT = 1 << 16
_NUMBERS = 1 << 16
_TABLE_SIZE = 1 << 16  # an object's size is 16 bits wide
_SIZES = {"b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}


class Buffer:
    """Random access to a source whose every read is checked; `root` gives the first table.

    Everything raises Incomplete: "truncated" when an offset or a vector leaves the buffer, "malformed" when a table
    is none, "limit" when more is looked at than any real buffer has.
    """

    def __init__(self, source: Source, *, looks: int = _LOOKS) -> None:
        self.source = source
        self.size = source.size
        self._looks = looks
        self._pages: OrderedDict[int, bytes] = OrderedDict()

    def root(self, at: int = 0) -> Table:
        """The table that the offset at `at` points to (4 when the buffer begins with its size)."""
        return self.table(self.follow(at))

    def identifier(self, at: int = 0) -> bytes:
        """The four bytes after the root's offset, which name the schema in most formats."""
        return self.take(at + 4, 4)

    def take(self, at: int, length: int) -> bytes:
        """`length` bytes at `at`, all of them."""
        self._looks -= 1
        if self._looks < 0:
            raise Incomplete("limit", "the flatbuffer needs more looks than any real one", offset=at)
        if at < 0 or at + length > self.size:
            what = f"{length:,} bytes at {at:,} are pointed to and the buffer has {self.size:,}"
            raise Incomplete("truncated", what, offset=max(0, min(at, self.size)))
        if length > _PAGE:
            return self._whole(at, length)
        page, offset = divmod(at, _PAGE)
        data = self._page(page)[offset : offset + length]
        if len(data) < length:
            data += self._page(page + 1)[: length - len(data)]
        if len(data) < length:
            raise Incomplete("truncated", "the file became shorter while it was read", offset=at)
        return data

    def _whole(self, at: int, length: int) -> bytes:
        data = self.source.read_at(at, length)
        if len(data) < length:
            raise Incomplete("truncated", "the file became shorter while it was read", offset=at)
        return data

    def _page(self, number: int) -> bytes:
        page = self._pages.get(number)
        if page is None:
            page = self.source.read_at(number * _PAGE, _PAGE)
            self._pages[number] = page
            if len(self._pages) > _PAGES:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(number)
        return page

    def integer(self, at: int, code: str) -> int:
        """An integer of a struct format code at `at`."""
        value: int = struct.unpack("<" + code, self.take(at, _SIZES[code]))[0]
        return value

    def follow(self, at: int) -> int:
        """Where the offset at `at` points to."""
        offset = self.integer(at, "I")
        if not 0 < offset < 1 << 31 or at + offset + 4 > self.size:
            raise Incomplete("truncated", f"an offset of {offset:,} leaves the buffer", offset=at)
        return at + offset

    def table(self, at: int) -> Table:
        """The table at `at`. Its list of fields must be inside of the buffer, and so must the fields be."""
        listed = at - self.integer(at, "i")
        length = self.integer(listed, "H")
        size = self.integer(listed + 2, "H")
        if length < 4 or length % 2 or size < 4:
            raise Incomplete("malformed", "a table has no list of fields", offset=at)
        if at + size > self.size:
            raise Incomplete("truncated", "a table goes past the end", offset=at)
        fields = struct.unpack(f"<{length // 2 - 2}H", self.take(listed + 4, length - 4))
        if any(field >= size for field in fields):
            raise Incomplete("malformed", "a field lies outside of its table", offset=at)
        return Table(self, at, size, fields)


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector that is inside of the buffer: where its first element is, and how many there are."""

    buffer: Buffer
    at: int
    count: int
    width: int

    def tables(self) -> Iterator[Table]:
        """Its elements, when they are tables."""
        for index in range(self.count):
            yield self.buffer.table(self.buffer.follow(self.at + 4 * index))

    def table(self, index: int) -> Table | None:
        """One element, when they are tables; None when there is no such element."""
        if not 0 <= index < self.count:
            return None
        return self.buffer.table(self.buffer.follow(self.at + 4 * index))

    def texts(self, limit: int = _TEXT) -> Iterator[str]:
        """Its elements, when they are strings, each cut at `limit` bytes."""
        for index in range(self.count):
            yield _text(self.buffer, self.buffer.follow(self.at + 4 * index), limit)

    def numbers(self, code: str, limit: int = _NUMBERS) -> tuple[int, ...]:
        """The first `limit` elements, when they are integers of this struct format code."""
        count = min(self.count, limit)
        return struct.unpack(f"<{count}{code}", self.buffer.take(self.at, count * _SIZES[code])) if count else ()

    def data(self, limit: int) -> bytes:
        """The first `limit` bytes of the elements."""
        return self.buffer.take(self.at, min(self.count * self.width, limit)) if self.count else b""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: fields are asked for by their number in the schema (a union takes two: its type, then its value)."""

    buffer: Buffer
    at: int
    size: int
    fields: tuple[int, ...]

    def where(self, field: int, width: int = 4) -> int | None:
        """The position of a field, or None when it has its default."""
        offset = self.fields[field] if 0 <= field < len(self.fields) else 0
        if offset == 0:
            return None
        if offset < 4 or offset + width > self.size:
            raise Incomplete("malformed", f"field {field} lies outside of its table", offset=self.at)
        return self.at + offset

    def has(self, field: int) -> bool:
        """Whether the field is written out."""
        return field < len(self.fields) and self.fields[field] != 0

    def integer(self, field: int, code: str, default: int = 0) -> int:
        """A scalar of a struct format code (b, B, h, H, i, I, q, Q)."""
        at = self.where(field, _SIZES[code])
        return default if at is None else self.buffer.integer(at, code)

    def table(self, field: int) -> Table | None:
        """A table, or the value of a union that is one."""
        at = self.where(field)
        return None if at is None else self.buffer.table(self.buffer.follow(at))

    def text(self, field: int, limit: int = _TEXT) -> str:
        """A string, cut at `limit` bytes; "" when there is none."""
        at = self.where(field)
        return "" if at is None else _text(self.buffer, self.buffer.follow(at), limit)

    def vector(self, field: int, width: int = 4) -> Vector:
        """A vector with elements of `width` bytes (4 for tables and strings), empty when there is none."""
        at = self.where(field)
        if at is None:
            return Vector(self.buffer, 0, 0, width)
        start = self.buffer.follow(at)
        count = self.buffer.integer(start, "I")
        if start + 4 + count * width > self.buffer.size:
            what = f"a vector of {count:,} elements leaves the buffer"
            raise Incomplete("truncated", what, offset=start)
        return Vector(self.buffer, start + 4, count, width)


def _text(buffer: Buffer, at: int, limit: int) -> str:
    length = buffer.integer(at, "I")
    if at + 4 + length > buffer.size:
        raise Incomplete("truncated", f"a string of {length:,} bytes leaves the buffer", offset=at)
    return buffer.take(at + 4, min(length, limit)).decode("utf-8", "backslashreplace")
