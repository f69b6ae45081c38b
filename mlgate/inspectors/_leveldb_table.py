"""LevelDB's table format, in which TensorFlow keeps the index of a checkpoint (tensorflow/core/lib/io/format.h).

Sorted keys with values, in blocks with shared prefixes; a block of handles; a footer of 48 bytes with a magic number.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.records import Source

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER = 48
_BLOCK = 16 * 2**20
_ENTRIES = 1_000_000
_KEY = 1 << 16


def has_footer(source: Source) -> bool:
    """Whether the last bytes are a table's."""
    return source.size >= FOOTER and source.read_at(source.size - 8, 8) == MAGIC


class Table:
    """A table's entries in their order. Raises Incomplete when a block or an entry is not what the format says."""

    def __init__(self, source: Source) -> None:
        self._source = source
        footer = source.read_at(source.size - FOOTER, FOOTER)
        at = 0
        numbers = []
        for _ in range(4):
            number, at = _varint(footer[:40], at)
            numbers.append(number)
        self._index = (numbers[2], numbers[3])

    def entries(self, blocks: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of the first `blocks` data blocks, or of all."""
        count = 0
        for number, (_, handle) in enumerate(_entries(self._block(*self._index))):
            if blocks is not None and number >= blocks:
                return
            offset, at = _varint(handle, 0)
            length, _ = _varint(handle, at)
            for key, value in _entries(self._block(offset, length)):
                count += 1
                if count > _ENTRIES:
                    raise Incomplete("limit", f"more than {_ENTRIES:,} entries")
                yield key, value

    def _block(self, offset: int, length: int) -> bytes:
        if offset + length + 5 > self._source.size - FOOTER:
            what = f"a block of {length:,} bytes at {offset:,} leaves the file"
            raise Incomplete("truncated", what, offset=min(offset, self._source.size))
        if length > _BLOCK:
            raise Incomplete("limit", f"a block has {length:,} bytes", offset=offset)
        data = self._source.read_at(offset, length + 1)
        if len(data) <= length:
            raise Incomplete("truncated", "the file became shorter while it was read", offset=offset)
        if data[-1] == 0:
            return data[:-1]
        if data[-1] == 1:
            return snappy(data[:-1])
        raise Incomplete("unsupported", f"a block is compressed by method {data[-1]}", offset=offset)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if at + index >= len(data):
            raise Incomplete("malformed", "a number of the table does not end")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise Incomplete("malformed", "a number of the table does not end")


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise Incomplete("malformed", "a block of the table is too short")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise Incomplete("malformed", "a block of the table has more restarts than bytes")
    at = 0
    key = b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + fresh + length > end or shared + fresh > _KEY:
            raise Incomplete("malformed", "an entry leaves its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def snappy(data: bytes) -> bytes:
    """Snappy's raw format (google/snappy, format_description.txt), for blocks of version 1 checkpoints."""
    size, at = _varint(data, 0)
    if size > _BLOCK:
        raise Incomplete("limit", f"a block unpacks to {size:,} bytes")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                width = length - 59
                length = int.from_bytes(data[at : at + width], "little")
                at += width
            length += 1
            out += data[at : at + length]
            if at + length > len(data):
                raise Incomplete("malformed", "a compressed block ends early")
            at += length
        else:
            width = (0, 1, 2, 4)[tag & 3]
            offset = int.from_bytes(data[at : at + width], "little")
            length = (tag >> 2) + 1
            if tag & 3 == 1:
                offset |= (tag >> 5) << 8
                length = ((tag >> 2) & 7) + 4
            at += width
            if not 0 < offset <= len(out):
                raise Incomplete("malformed", "a compressed block copies from before its start")
            for _ in range(-(-length // offset)):
                piece = out[-offset:][:length]
                out += piece
                length -= len(piece)
        if len(out) > size:
            break
    if len(out) != size:
        raise Incomplete("malformed", "a compressed block has another size than it says")
    return bytes(out)
