"""Compressed streams, one after another as their tools read them: which decoder takes the next bytes, and its limits.

Sources: RFC 1952 (gzip), RFC 1950 (zlib), RFC 8878 (zstd, skippable frames), lz4's Frame format 1.6.4 (frames, legacy
and skippable frames), xz-file-format 1.2 and lzma-file-format (the old .lzma header).
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import lz4.block
import lz4.frame

from mlgate.errors import Incomplete
from mlgate.records import Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK = 1 << 18
DICTIONARY = 64 * 2**20  # the largest window or dictionary a decoder may ask for; the largest presets need this much
_LZMA_MEMORY = DICTIONARY + (8 << 20)
_WINDOW_LOG = 26
_LEGACY_BLOCK = 8 << 20  # lz4 frame format, "Legacy frame": every block but the last has this size
_HEAD = 18  # the longest frame header that is looked into here

_LZ4, _LZ4_LEGACY, _ZSTD = b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"\x28\xb5\x2f\xfd"


class Decompressor(Protocol):
    """What bz2's decompressor has: it takes bytes as long as `needs_input`, and says at `eof` what it left over."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Inflate:
    """zlib's object with the names that bz2's has; `bits` is zlib's wbits: 31 gzip, 15 zlib, -15 bare deflate."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(wbits=bits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Skippable:
    """A frame of user data that decoders leave out: magic, length, that many bytes."""

    def __init__(self, head: bytes) -> None:
        self._left = 8 + int.from_bytes(head[4:8], "little")
        self.unused_data = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._left == 0

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        taken = min(self._left, len(data))
        self._left -= taken
        self.unused_data = data[taken:]
        return b""


class _LegacyLz4:
    """lz4's first format: blocks with their length before them, until the end of the file or another frame's magic."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._begun = False
        self.eof = False
        self.unused_data = b""

    @property
    def needs_input(self) -> bool:
        """False while a whole block is held."""
        if not self._begun or len(self._held) < 4:
            return True
        length = int.from_bytes(self._held[:4], "little")
        return len(self._held) < 4 + length <= 4 + lz4_bound(_LEGACY_BLOCK)

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        self._held += data
        if not self._begun:
            if len(self._held) < 4:
                return b""
            del self._held[:4]
            self._begun = True
        if len(self._held) < 4:
            return b""
        length = int.from_bytes(self._held[:4], "little")
        if length > lz4_bound(_LEGACY_BLOCK):
            self.eof = True
            self.unused_data = bytes(self._held)
            return b""
        if len(self._held) < 4 + length:
            return b""
        block = bytes(self._held[4 : 4 + length])
        del self._held[: 4 + length]
        out: bytes = lz4.block.decompress(block, uncompressed_size=_LEGACY_BLOCK)
        if len(out) < _LEGACY_BLOCK:  # only the last block is shorter
            self.eof = True
            self.unused_data = bytes(self._held)
        return out

    @property
    def between(self) -> bool:
        """Whether the data may end here: the format has no end mark."""
        return self._begun and not self._held


def lz4_bound(size: int) -> int:
    """The most bytes a block of `size` is packed to (LZ4_COMPRESSBOUND)."""
    return size + size // 255 + 16


def _skippable(head: bytes) -> bool:
    return head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50


def _lz4(head: bytes) -> Decompressor:
    if _skippable(head):
        return _Skippable(head)
    if head.startswith(_LZ4_LEGACY):
        return _LegacyLz4()
    if head.startswith(_LZ4) and head[4:5] and head[4] & 1:
        raise Incomplete("unsupported", "the lz4 frame needs a dictionary that is not in it")
    decoder: Decompressor = lz4.frame.LZ4FrameDecompressor()
    return decoder


def _zstd(head: bytes) -> Decompressor:
    if _skippable(head):
        return _Skippable(head)
    try:
        needs = zstd.get_frame_info(head).dictionary_id
    except (zstd.ZstdError, ValueError):
        needs = 0  # the decoder says better what is wrong
    if needs:
        raise Incomplete("unsupported", f"the zstd frame needs the dictionary {needs}, which is not in it")
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})


def _lzma(_head: bytes) -> Decompressor:
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A stream format: the decoder for the stream that begins with these bytes, and the endings of its files' names.

    `padded` says that its tools skip zeros between and after streams.
    """

    decoder: Callable[[bytes], Decompressor]
    endings: tuple[str, ...]
    padded: bool = False


CODECS = {
    "gzip": Codec(decoder=lambda _: Inflate(31), endings=(".gz", ".tgz", ".gzip"), padded=True),
    "bzip2": Codec(decoder=lambda _: bz2.BZ2Decompressor(), endings=(".bz2", ".tbz2", ".tbz"), padded=True),
    "xz": Codec(decoder=_lzma, endings=(".xz", ".txz", ".lzma"), padded=True),
    "lzma": Codec(decoder=_lzma, endings=(".lzma", ".tlz", ".xz"), padded=True),
    "zlib": Codec(decoder=lambda _: Inflate(15), endings=(".z", ".zlib", ".zz"), padded=True),
    "lz4": Codec(decoder=_lz4, endings=(".lz4", ".tlz4")),
    "zstd": Codec(decoder=_zstd, endings=(".zst", ".zstd", ".tzst")),
}

ERRORS = (OSError, zlib.error, lzma.LZMAError, zstd.ZstdError, lz4.block.LZ4BlockError, EOFError, RuntimeError)
_TOO_LARGE = ("memory usage limit", "too much memory", "memory allocation")


def broken(what: str, error: Exception, offset: int) -> Incomplete:
    """Why a decoder gave up: over its memory limit, or not its format."""
    told = str(error)[:200]
    if any(words in told.lower() for words in _TOO_LARGE):
        return Incomplete("limit", f"the {what} stream needs more memory than {DICTIONARY:,} bytes", offset=offset)
    return Incomplete("malformed", f"not a {what} stream: {told}", offset=offset)


class Streams:
    """All streams of one source: iterate for the pieces that come out; `consumed` says how far the source was read."""

    def __init__(self, source: Source, what: str) -> None:
        self._source = source
        self._what = what
        self._codec = CODECS[what]
        self._pending = b""
        self._count = 0
        self.consumed = 0

    def __iter__(self) -> Iterator[bytes]:
        """Pieces of at most 8 MiB. Raises Incomplete (truncated, malformed, limit, unsupported)."""
        while self._begin():
            decoder = self._codec.decoder(self._pending)
            self._count += 1
            yield from self._one(decoder)

    def _one(self, decoder: Decompressor) -> Iterator[bytes]:
        idle = 0
        while not decoder.eof:
            if decoder.needs_input and not self._pending and not self._more():
                if isinstance(decoder, _LegacyLz4) and decoder.between:
                    return
                raise Incomplete("truncated", f"the {self._what} stream ends early", offset=self.consumed)
            taken, self._pending = (self._pending, b"") if decoder.needs_input else (b"", self._pending)
            try:
                piece = decoder.decompress(taken, CHUNK)
            except ERRORS as error:
                raise broken(self._what, error, self.consumed) from None
            idle = 0 if piece or taken else idle + 1
            if idle > 8:
                raise Incomplete("malformed", f"the {self._what} stream does not go on", offset=self.consumed)
            if piece:
                yield piece
        self._pending = (decoder.unused_data or b"") + self._pending

    def _begin(self) -> bool:
        """Whether another stream begins; fills `_pending` with enough of it."""
        if self._codec.padded and self._count:
            while not (kept := self._pending.lstrip(b"\0")):
                self._pending = b""
                if not self._more():
                    return False
            self._pending = kept
        while len(self._pending) < _HEAD and self._more():
            pass
        return bool(self._pending)

    def _more(self) -> bool:
        data = self._source.read_at(self.consumed, CHUNK)
        self.consumed += len(data)
        self._pending += data
        return bool(data)


def headless(head: bytes) -> str | None:
    """Streams without a magic number, told by a header that makes sense and bytes that unpack: "zlib", "lzma"."""
    if len(head) < 8:
        return None
    if head[0] & 15 == 8 and head[0] <= 0x78 and int.from_bytes(head[:2], "big") % 31 == 0 and not head[1] & 32:
        return "zlib" if _unpacks(Inflate(15), head) else None
    size, unpacked = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    # what xz and file(1) ask of the header: a dictionary of 2^n or 2^n + 2^(n-1) bytes, and a size that can be
    part = size // 3 if size % 3 == 0 else size
    whole = part & (part - 1) == 0 or size == 0xFFFFFFFF
    if head[0] < 225 and size and whole and (unpacked == (1 << 64) - 1 or unpacked < 1 << 40) and len(head) > 13:
        if size > DICTIONARY:
            return "lzma" if head[0] == 0x5D and head[13] == 0 else None
        return "lzma" if head[13] == 0 and _unpacks(_lzma(head), head) else None
    return None


def _unpacks(decoder: Decompressor, head: bytes) -> bool:
    try:
        out = decoder.decompress(head, 4096)
    except ERRORS:
        return False
    # deflate may begin with any number of empty blocks
    return bool(out) or decoder.eof or isinstance(decoder, Inflate)
