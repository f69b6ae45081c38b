"""Members of archives as sources: stored ones in place, packed ones unpacked within a budget."""

from __future__ import annotations

import bz2
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.inspectors._streams import CODECS, DICTIONARY, ERRORS, Decompressor, Inflate, broken
from mlgate.records import Source
from mlgate.sources import BytesSource

__all__ = ("Budget", "Decompressor", "FileSource", "Inflate", "Unpacked", "unpack", "zip_decompressor")

_STEP = 1 << 18
_MEMORY = 8 << 20  # more than this goes to a temporary file
_RATIO_FREE = 16 << 20  # below this, no ratio is a bomb


class FileSource:
    """A temporary file without a name; it is closed, and so gone, with the last reference to this."""

    __slots__ = ("_file", "size")

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (closed in __del__)
        self.size = 0

    def append(self, data: bytes | bytearray) -> None:
        """Writes at the end."""
        rest = memoryview(data)
        while rest:
            written = self._file.write(rest)
            self.size += written
            rest = rest[written:]

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        return os.pread(self._file.fileno(), length, offset) if offset >= 0 and length > 0 else b""

    def __del__(self) -> None:
        self._file.close()


@dataclass(slots=True)
class Budget:
    """Bytes that may still be unpacked, and the largest ratio of unpacked to packed."""

    left: int
    ratio: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The content, its CRC-32, and why it ended early ("" when it did not)."""

    source: Source
    crc: int
    problem: str = ""
    used: int = 0


def unpack(source: Source, start: int, length: int, make: Callable[[], Decompressor], budget: Budget) -> Unpacked:
    """Unpacks `length` bytes at `start`. What came out before an error is kept, as lenient readers keep it.

    Several compressed streams may follow each other, as gzip, bz2 and xz allow. Raises Incomplete (limit).
    """
    crc, size, kept = 0, 0, bytearray()
    file: FileSource | None = None
    problem = ""
    feed = _Feed(source, start, length, make)
    try:
        for piece in feed.pieces():
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            budget.left -= len(piece)
            if budget.left < 0:
                raise Incomplete("limit", "unpacked content goes over the limit")
            if size > _RATIO_FREE and size > budget.ratio * max(feed.consumed, 1):
                raise Incomplete("limit", f"content expands more than {budget.ratio} times")
            if file is None and len(kept) + len(piece) > _MEMORY:
                file = FileSource()
                file.append(kept)
                kept.clear()
            if file is None:
                kept += piece
            else:
                file.append(piece)
    except (*ERRORS, ValueError) as error:
        stop = broken("packed", error, start)
        if stop.reason == "limit":
            raise stop from None
        problem = str(error)[:200] or type(error).__name__
    if file is None:
        return Unpacked(source=BytesSource(bytes(kept)), crc=crc, problem=problem, used=feed.consumed)
    return Unpacked(source=file, crc=crc, problem=problem, used=feed.consumed)


class _Feed:
    def __init__(self, source: Source, start: int, length: int, make: Callable[[], Decompressor]) -> None:
        self._source = source
        self._start = start
        self._length = length
        self._make = make
        self.consumed = 0

    def pieces(self) -> Iterator[bytes]:
        """Unpacked pieces of at most _STEP bytes. Raises EOFError when the data ends too early."""
        decompressor = self._make()
        pending = b""
        while True:
            if decompressor.eof:
                pending = decompressor.unused_data or self._next()
                if not pending.strip(b"\0"):
                    return
                decompressor = self._make()
            elif decompressor.needs_input and not pending:
                pending = self._next()
                if not pending:
                    raise EOFError("compressed data ends early")
            data, pending = pending, b""
            piece = decompressor.decompress(data, _STEP)
            if piece:
                yield piece

    def _next(self) -> bytes:
        data = self._source.read_at(self._start + self.consumed, min(_STEP, self._length - self.consumed))
        self.consumed += len(data)
        return data


def zip_decompressor(method: int, source: Source, start: int) -> tuple[Callable[[], Decompressor], int] | None:
    """(maker, bytes of header to skip) for a ZIP compression method (APPNOTE 4.4.5), or None when unknown."""
    if method == 8:
        return (lambda: Inflate(-15)), 0
    if method == 12:
        return bz2.BZ2Decompressor, 0
    if method == 14:  # APPNOTE 5.8.8: version, size of properties, properties
        head = source.read_at(start, 9)
        if len(head) < 9 or head[2:4] != b"\x05\x00":
            return None
        packed, size = head[4], int.from_bytes(head[5:9], "little")
        if packed >= 9 * 5 * 5:
            return None
        if size > DICTIONARY:  # it is allocated before the first byte comes out
            raise Incomplete("limit", f"an LZMA dictionary of {size:,} bytes")
        settings = {"lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45, "dict_size": max(size, 4096)}
        filters = [{"id": lzma.FILTER_LZMA1, **settings}]
        return (lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)), 9
    if method in (20, 93):  # 4.4.5: 20 is the number that zstd had first
        return (lambda: CODECS["zstd"].decoder(b"")), 0
    if method == 95:
        return (lambda: CODECS["xz"].decoder(b"")), 0
    return None
