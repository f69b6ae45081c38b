"""ZIP directories, read as leniently as zipfile and torch read them, and what a strict reader would say to them.

Source: PKWARE APPNOTE 6.3.10; Lib/zipfile.py for what Python accepts, miniz for what torch accepts.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.identify import last_end_record
from mlgate.records import Source

MEMBERS = 200_000
_DIRECTORY = 128 << 20
_END, _END64, _LOCATOR, CENTRAL, LOCAL = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02", b"PK\x03\x04"
ENCRYPTED, DESCRIPTOR, STRONG, UTF8, MASKED = 1, 8, 64, 2048, 8192
_UNIX = (3, 19)  # "version made by" whose attributes are Unix modes: Unix and macOS
_UNICODE_PATH = 0x7075
_MAX32, _MAX16 = 0xFFFFFFFF, 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of the central directory; `header` is where its local header stands in the file.

    `mode` is its Unix mode or 0, `alias` the name in Info-ZIP's Unicode path field (APPNOTE 4.6.9).
    """

    name: str
    raw: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    header: int
    mode: int = 0
    alias: bytes | None = None

    @property
    def directory(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/") and not self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A local header: what streaming readers believe. `data` is where the member's bytes begin."""

    raw: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    data: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The members, and what is odd: `oddities` are (kind, detail) with kind "outside" or "second"."""

    members: tuple[Member, ...]
    oddities: tuple[tuple[str, str], ...] = ()
    start: int = 0


def read_directory(source: Source) -> Directory:
    """The directory of an archive. Raises Incomplete (malformed, truncated, limit)."""
    tail_start = max(0, source.size - 22 - _MAX16)
    tail = source.read_at(tail_start, 22 + _MAX16)
    at = last_end_record(tail)
    if at < 0:
        raise Incomplete("truncated", "the archive has no end record")
    end = tail_start + at
    _one_volume(*struct.unpack_from("<HH", tail, at + 4))
    count, size, offset, comment = struct.unpack_from("<HIIH", tail, at + 10)
    oddities = []
    if _earlier_end(source, tail, at, tail_start):
        oddities.append(("second", "two end records, one in the comment of the other"))
    if end + 22 + comment != source.size:
        oddities.append(
            ("outside", f"{source.size - end - 22:,} bytes follow the end record, {comment:,} are announced")
        )
    place = end
    wide, doubtful = _zip64(source, end)
    if doubtful:
        oddities.append(("second", "two zip64 end records"))
    if wide is not None:
        narrow = ((count, _MAX16, wide[0]), (size, _MAX32, wide[1]), (offset, _MAX32, wide[2]))
        if any(value not in (absent, real) for value, absent, real in narrow):
            oddities.append(("second", "the zip64 end record and the end record disagree"))
        count, size, offset, place = wide
    if count > MEMBERS or size > _DIRECTORY:
        raise Incomplete("limit", f"a directory of {count:,} members in {size:,} bytes")
    before = place - size - offset
    if before < 0:
        raise Incomplete("malformed", "the directory is not where the end record says")
    members = tuple(_entries(source, offset + before, size, before))
    if before:
        oddities.append(("outside", f"{before:,} bytes stand before the archive"))
        if source.read_at(offset, 4) == CENTRAL:
            # zipfile counts the directory back from the end record, miniz takes its offset from the file's start
            oddities.append(("second", "two directories, and it depends on the reader which one counts"))
            members += tuple(_entries(source, offset, size, 0))
    if len(members) < count:
        oddities.append(("second", f"{len(members):,} members in the directory, {count:,} in the end record"))
    return Directory(members=members, oddities=tuple(oddities), start=offset + before)


def _one_volume(disk: int, first: int) -> None:
    if disk not in (0, _MAX16) or first not in (0, _MAX16):
        raise Incomplete("unsupported", f"the archive is in several volumes, and this is number {disk + 1}")


def _earlier_end(source: Source, tail: bytes, last: int, start: int) -> bool:
    """Whether another end record is as good as the last one: its comment goes to the end, its directory is one."""
    at = tail.find(_END)
    for _ in range(100):
        if not 0 <= at < last:
            return False
        size, offset, comment = struct.unpack_from("<IIH", tail, at + 12)
        if at + 22 + comment == len(tail) and source.read_at(offset, 4) == CENTRAL and offset + size <= start + at:
            return True
        at = tail.find(_END, at + 1)
    return True


def _zip64(source: Source, end: int) -> tuple[tuple[int, int, int, int] | None, bool]:
    """(count, size, offset, place) of the zip64 end record (APPNOTE 4.3.14), and whether another says otherwise.

    The first is None when there is none. zipfile looks right before the locator, miniz and others where it points.
    """
    locator = source.read_at(end - 20, 20) if end >= 20 else b""
    if locator[:4] != _LOCATOR:
        return None, False
    found = []
    for candidate in (end - 20 - 56, int.from_bytes(locator[8:16], "little")):
        record = source.read_at(candidate, 56) if candidate >= 0 else b""
        if record[:4] == _END64 and len(record) == 56:
            count, size, offset = struct.unpack_from("<QQQ", record, 32)
            found.append((count, size, offset, candidate))
    if not found:
        raise Incomplete("malformed", "the zip64 locator points nowhere")
    return found[0], len(set(found)) > 1


def _entries(source: Source, start: int, size: int, before: int) -> Iterator[Member]:
    data = source.read_at(start, size)
    at = 0
    while at + 46 <= len(data) and data[at : at + 4] == CENTRAL:
        maker, flags, method = data[at + 5], *struct.unpack_from("<HH", data, at + 8)
        crc, packed, unpacked, named, extra, comment = struct.unpack_from("<IIIHHH", data, at + 16)
        attributes, header = struct.unpack_from("<II", data, at + 38)
        raw = data[at + 46 : at + 46 + named]
        fields = data[at + 46 + named : at + 46 + named + extra]
        unpacked, packed, header = _wide(fields, [unpacked, packed, header])
        yield Member(
            name=_name(raw, flags),
            raw=raw,
            method=method,
            flags=flags,
            crc=crc,
            packed=packed,
            size=unpacked,
            header=header + before,
            mode=attributes >> 16 if maker in _UNIX else 0,
            alias=_alias(fields, raw),
        )
        at += 46 + named + extra + comment
    if at < len(data):
        raise Incomplete("malformed", "the directory breaks off", offset=start + at)


def _wide(fields: bytes, values: list[int]) -> list[int]:
    """Replaces 32-bit values that are all ones by those of the zip64 extra field (APPNOTE 4.5.3), in order."""
    at = 0
    while at + 4 <= len(fields):
        kind, length = struct.unpack_from("<HH", fields, at)
        if kind == 1:
            place = at + 4
            for index, value in enumerate(values):
                if value == _MAX32 and place + 8 <= at + 4 + length <= len(fields):
                    (values[index],) = struct.unpack_from("<Q", fields, place)
                    place += 8
            break
        at += 4 + length
    return values


def _alias(fields: bytes, raw: bytes) -> bytes | None:
    """The name of the Unicode path field, when its checksum says that it is of this name."""
    at = 0
    while at + 9 <= len(fields):
        kind, length = struct.unpack_from("<HH", fields, at)
        if (
            kind == _UNICODE_PATH
            and length >= 5
            and zlib.crc32(raw) == int.from_bytes(fields[at + 5 : at + 9], "little")
        ):
            return fields[at + 9 : at + 4 + length]
        at += 4 + length
    return None


def _name(raw: bytes, flags: int) -> str:
    """A member's name as zipfile shows it: UTF-8 by flag, else code page 437, cut at a NUL."""
    text = raw.decode("utf-8", "backslashreplace") if flags & UTF8 else raw.decode("cp437")
    return text.split("\0", 1)[0]


def read_local(source: Source, member: Member) -> Local:
    """The local header of a member. Raises Incomplete (malformed) when there is none."""
    head = source.read_at(member.header, 30)
    if head[:4] != LOCAL or len(head) < 30:
        raise Incomplete("malformed", f"no local header for {member.name[:100]!r}", offset=member.header)
    flags, method = struct.unpack_from("<HH", head, 6)
    crc, packed, size, named, extra = struct.unpack_from("<IIIHH", head, 14)
    rest = source.read_at(member.header + 30, named + extra)
    size, packed = _wide(rest[named:], [size, packed])
    return Local(
        raw=rest[:named],
        method=method,
        flags=flags,
        crc=crc,
        packed=packed,
        size=size,
        data=member.header + 30 + named + extra,
    )


def family(source: Source) -> str:
    """What an archive is by its members: "torch", "npz" or "zip". "" when it cannot be read."""
    try:
        names = [member.name for member in read_directory(source).members]
    except Incomplete:
        return ""
    last = {name.rsplit("/", 1)[-1] for name in names}
    if any(name.count("/") == 1 and name.endswith("/data.pkl") for name in names) or "data.pkl" in names:
        return "torch"
    if last & {"constants.pkl", "bytecode.pkl"}:
        return "torch"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    return "zip"
