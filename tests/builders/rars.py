"""RAR archives block by block ("RAR 5.0 archive format", and technote.txt for RAR 4)."""

from __future__ import annotations

import struct
import zlib

FIVE, FOUR = b"Rar!\x1a\x07\x01\x00", b"Rar!\x1a\x07\x00"


def vint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def block(kind: int, body: bytes = b"", *, flags: int = 0, extra: bytes = b"", data: bytes = b"") -> bytes:
    flags |= (1 if extra else 0) | (2 if data else 0)
    head = vint(kind) + vint(flags) + (vint(len(extra)) if extra else b"") + (vint(len(data)) if data else b"")
    head += body + extra
    head = vint(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head + data


def file(
    name: str, data: bytes, *, method: int = 0, flags: int = 0, locked: bool = False, folder: bool = False
) -> bytes:
    raw = name.encode()
    body = vint(1 if folder else 4) + vint(len(data)) + vint(0o100644)
    body += (b"" if folder else struct.pack("<I", zlib.crc32(data))) + vint(method << 7) + vint(1)
    body += vint(len(raw)) + raw
    extra = vint(2) + b"\x02\x00" + vint(3) + b"\x01\x00\x00" if locked else b""
    return block(2, body, flags=flags, extra=extra, data=data)


def archive(*blocks: bytes) -> bytes:
    return FIVE + block(1, vint(0)) + b"".join(blocks) + block(5, vint(0))


def old_file(name: str, data: bytes, *, method: int = 0x30, flags: int = 0) -> bytes:
    raw = name.encode()
    wide = struct.pack("<II", 0, 0) if flags & 0x100 else b""
    sizes = struct.pack("<II", len(data), len(data))
    body = sizes + b"\x03" + struct.pack("<II", zlib.crc32(data), 0) + bytes([29, method])
    body += struct.pack("<HI", len(raw), 0o100644) + wide + raw
    return struct.pack("<HBHH", 0, 0x74, flags | 0x8000, 7 + len(body)) + body + data


def old_archive(*blocks: bytes, flags: int = 0) -> bytes:
    main = struct.pack("<HBHH", 0, 0x73, flags, 13) + bytes(6)
    return FOUR + main + b"".join(blocks) + struct.pack("<HBHH", 0, 0x7B, 0, 7)
