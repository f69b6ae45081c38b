"""Compressed streams as their tools no longer, or never, write them."""

from __future__ import annotations

import lzma
import struct
import zlib

import lz4.block


def lzma_alone(data: bytes) -> bytes:
    """The .lzma format from before xz."""
    return lzma.compress(data, format=lzma.FORMAT_ALONE)


def lzma_dictionary(size: int) -> bytes:
    """A .lzma header that asks for a dictionary of this size, before a valid stream."""
    return b"\x5d" + struct.pack("<I", size) + lzma_alone(b"data")[5:]


def skippable(data: bytes) -> bytes:
    """A frame that lz4 and zstd leave out (RFC 8878, 3.1.2)."""
    return b"\x5a\x2a\x4d\x18" + struct.pack("<I", len(data)) + data


def lz4_legacy(data: bytes) -> bytes:
    """What `lz4 -l` writes (lz4 frame format, "Legacy frame")."""
    out = b"\x02\x21\x4c\x18"
    for at in range(0, len(data), 8 << 20):
        block = lz4.block.compress(data[at : at + (8 << 20)], store_size=False)
        out += struct.pack("<I", len(block)) + block
    return out


def lz4_dictionary() -> bytes:
    """A frame descriptor with a dictionary's number."""
    return b"\x04\x22\x4d\x18" + bytes([0x61, 0x40]) + struct.pack("<I", 7) + bytes(12)


def zstd_window(log: int) -> bytes:
    """A frame whose decoder needs a window of 2**log bytes (RFC 8878, 3.1.1.1.2)."""
    return b"\x28\xb5\x2f\xfd" + bytes([0x00, (log - 10) << 3]) + b"\x21\x00\x00data"


def zstd_dictionary() -> bytes:
    """A frame with a dictionary's number."""
    return b"\x28\xb5\x2f\xfd" + bytes([0x01, 0x58, 0x07]) + b"\x21\x00\x00data"


def zlib_behind_nothing(data: bytes) -> bytes:
    """A zlib stream whose first blocks are empty, for longer than anybody looks at beginnings."""
    return b"\x78\x9c" + b"\0\0\0\xff\xff" * 2000 + zlib.compress(data)[2:]
