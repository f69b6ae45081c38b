"""7z archives made byte by byte (7zFormat.txt of the LZMA SDK), and by py7zr for what only a real packer writes."""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import lz4.frame
import py7zr

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def number(value: int) -> bytes:
    """The shortest NUMBER."""
    for more in range(8):
        if value < 1 << (7 * (more + 1)):
            low, high = value & ((1 << 8 * more) - 1), value >> 8 * more
            return bytes([(0xFF00 >> more & 0xFF) | high]) + low.to_bytes(more, "little")
    return b"\xff" + value.to_bytes(8, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Members in one stream. `coders` are (method, properties); `packed` what they made of the members together."""

    members: Sequence[tuple[str, bytes]]
    packed: bytes
    coders: Sequence[tuple[bytes, bytes]] = ((b"\0", b""),)
    size: int | None = None
    crc: int | None = None
    modes: Sequence[int] = field(default=())


def _coders(folder: Folder) -> bytes:
    out = number(len(folder.coders))
    for method, properties in folder.coders:
        out += bytes([len(method) | (32 if properties else 0)]) + method
        out += number(len(properties)) + properties if properties else b""
    return out + b"".join(number(i) + number(i + 1) for i in range(len(folder.coders) - 1))


def header(folders: Sequence[Folder], *, position: int = 0, empty: Sequence[str] = ()) -> bytes:
    members = [member for folder in folders for member in folder.members]
    out = b"\x01\x04"
    out += b"\x06" + number(position) + number(len(folders)) + b"\x09"
    out += b"".join(number(len(folder.packed)) for folder in folders) + b"\0"
    out += b"\x07\x0b" + number(len(folders)) + b"\0" + b"".join(map(_coders, folders)) + b"\x0c"
    for folder in folders:
        size = sum(len(data) for _, data in folder.members) if folder.size is None else folder.size
        out += number(size) * len(folder.coders)
    out += b"\0\x08\x0d" + b"".join(number(len(folder.members)) for folder in folders) + b"\x09"
    out += b"".join(number(len(data)) for folder in folders for _, data in folder.members[:-1])
    out += b"\x0a\x01"
    for folder in folders:
        for _, data in folder.members:
            out += struct.pack("<I", zlib.crc32(data) if folder.crc is None else folder.crc)
    out += b"\0\0"
    names = b"\0" + b"".join(n.encode("utf-16-le") + b"\0\0" for n in [name for name, _ in members] + list(empty))
    count = len(members) + len(empty)
    out += b"\x05" + number(count)
    if empty:
        bits = "".join("0" * len(members) + "1" * len(empty)).ljust((count + 7) // 8 * 8, "0")
        raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
        out += b"\x0e" + number(len(raw)) + raw
    out += b"\x11" + number(len(names)) + names
    modes = [mode for folder in folders for mode in folder.modes]
    if modes:
        raw = b"\x01\0" + b"".join(struct.pack("<I", mode << 16 | 0x8000) for mode in modes)
        out += b"\x15" + number(len(raw)) + raw
    return out + b"\0\0"


def archive(*folders: Folder, empty: Sequence[str] = (), end: bytes | None = None) -> bytes:
    """The archive; `end` is a header of another's making."""
    packed = b"".join(folder.packed for folder in folders)
    return closed(packed, header(folders, empty=empty) if end is None else end)


def closed(packed: bytes, end: bytes) -> bytes:
    start = struct.pack("<QQI", len(packed), len(end), zlib.crc32(end))
    return b"7z\xbc\xaf\x27\x1c\0\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + end


# -- the coders


_LZMA = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}
LZMA = (b"\x03\x01\x01", b"\x5d" + struct.pack("<I", 1 << 16))
LZMA2 = (b"\x21", b"\x08")
X86, ARM, DELTA = (b"\x03\x03\x01\x03", b""), (b"\x07", b""), (b"\x03", b"\x03")


def _raw(data: bytes, *filters: dict[str, int]) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=list(filters))


def _filter(data: bytes, one: dict[str, int]) -> bytes:
    """What a filter makes of the data, without anything behind it."""
    plain = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}
    return lzma.decompress(_raw(data, one, plain), lzma.FORMAT_RAW, filters=[plain])


def packed(name: str, data: bytes) -> Folder:
    """One member `m.pkl`, packed as a real packer does."""
    x86, delta = {"id": lzma.FILTER_X86}, {"id": lzma.FILTER_DELTA, "dist": 4}
    made: dict[str, Callable[[], tuple[bytes, list[tuple[bytes, bytes]]]]] = {
        "copy": lambda: (data, [(b"\0", b"")]),
        "lzma": lambda: (_raw(data, _LZMA), [LZMA]),
        "lzma2": lambda: (_raw(data, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}), [LZMA2]),
        "bcj+lzma": lambda: (_raw(_filter(data, x86), _LZMA), [X86, LZMA]),
        "arm+lzma2": lambda: (
            _raw(_filter(data, {"id": lzma.FILTER_ARM}), {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}),
            [ARM, LZMA2],
        ),
        "delta+lzma": lambda: (_raw(_filter(data, delta), _LZMA), [DELTA, LZMA]),
        "bzip2": lambda: (bz2.compress(data), [(b"\x04\x02\x02", b"")]),
        "deflate": lambda: (zlib.compress(data, wbits=-15), [(b"\x04\x01\x08", b"")]),
        "zstd": lambda: (zstd.compress(data), [(b"\x04\xf7\x11\x01", b"\x01\x05\x03\0\0")]),
        "lz4": lambda: (lz4.frame.compress(data), [(b"\x04\xf7\x11\x04", b"\x01\x09\x03\0\0")]),
    }
    body, coders = made[name]()
    return Folder(members=[("m.pkl", data)], packed=body, coders=coders)


METHODS = ("copy", "lzma", "lzma2", "bcj+lzma", "arm+lzma2", "delta+lzma", "bzip2", "deflate", "zstd", "lz4")


def unread(method: bytes) -> Folder:
    """A member packed with a method that is not unpacked here."""
    return Folder(members=[("secret.pkl", b"x" * 50)], packed=b"y" * 50, coders=[(method, b"")])


def packed_header(folder: Folder, levels: int = 1) -> bytes:
    """The header packed as 7-Zip does it, over and over."""
    body, end = folder.packed, header([folder])
    for _ in range(levels):
        place, inner = len(body), _raw(end, _LZMA)
        body += inner
        end_of = b"\x17\x06" + number(place) + number(1) + b"\x09" + number(len(inner)) + b"\0"
        end_of += b"\x07\x0b\x01\0" + _coders(Folder(members=[], packed=b"", coders=[LZMA]))
        end = end_of + b"\x0c" + number(len(end)) + b"\x0a\x01" + struct.pack("<I", zlib.crc32(end)) + b"\0\0"
    return closed(body, end)


def by_py7zr(
    members: dict[str, bytes], *, password: str | None = None, filters: list[dict[str, int]] | None = None
) -> bytes:
    """What py7zr writes."""
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, filters=filters) as target:
        if password:
            target.set_encrypted_header(True)
        for name, data in members.items():
            target.writestr(data, name)
    return out.getvalue()
