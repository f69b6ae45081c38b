"""The members of ar and cpio archives, header by header.

Sources: ar(5) of FreeBSD and GNU binutils' bfd documentation (both ways of long names); cpio(5) of libarchive (the
portable ASCII formats; the binary one has nobody who writes it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.records import Source

AR = b"!<arch>\n"
_AR_HEADER = re.compile(rb"(.{16})[\d ]{12}[\d ]{6}[\d ]{6}[0-7 ]{8}(\d{1,10}) *`\n", re.DOTALL)
_NEW = re.compile(rb"07070[12][0-9A-Fa-f]{104}")
_OLD = re.compile(rb"070707[0-7]{70}")
_NAME = 1 << 16
_NAMES = 4 << 20  # GNU's table of long names
_TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member; `mode` is its Unix mode or 0."""

    name: str
    at: int
    size: int
    mode: int = 0


def is_ar(head: bytes) -> bool:
    """Whether a file begins with ar's signature."""
    return head.startswith(AR)


def is_cpio(head: bytes) -> bool:
    """Whether a file begins with a header of the ASCII formats."""
    return _NEW.match(head) is not None or _OLD.match(head) is not None


def _inside(source: Source, at: int, size: int, name: str) -> None:
    if at + size > source.size:
        raise Incomplete("truncated", f"member {name[:200]!r} goes past the end", offset=at)


def ar_entries(source: Source) -> Iterator[Entry]:
    """All members but the symbol table's. Raises Incomplete (malformed, truncated, limit)."""
    at = len(AR)
    table = b""
    while at < source.size:
        head = source.read_at(at, 60)
        match = _AR_HEADER.fullmatch(head)
        if match is None:
            if not head.strip(b"\n\0"):
                return
            raise Incomplete("malformed", "no header where the next member should be", offset=at)
        raw, size, data = match[1].rstrip(), int(match[2]), at + 60
        at = data + size + size % 2
        if raw == b"//":
            if size > _NAMES:
                raise Incomplete("limit", f"a table of long names of {size:,} bytes", offset=data)
            table = source.read_at(data, size)
            continue
        name = raw.decode("utf-8", "backslashreplace").removesuffix("/")
        if raw.startswith(b"#1/") and raw[3:].isdigit():  # BSD: the name stands before the data
            length = min(int(raw[3:]), size)
            if length > _NAME:
                raise Incomplete("limit", f"a name of {length:,} bytes", offset=data)
            name = source.read_at(data, length).rstrip(b"\0").decode("utf-8", "backslashreplace")
            data, size = data + length, size - length
        elif raw.startswith(b"/") and raw[1:].isdigit():
            start = int(raw[1:])
            name = re.split(rb"/?\n", table[start : start + _NAME], maxsplit=1)[0].decode("utf-8", "backslashreplace")
        elif raw in (b"/", b"/SYM64/"):
            continue
        _inside(source, data, size, name)
        yield Entry(name=name, at=data, size=size)


def cpio_entries(source: Source) -> Iterator[Entry]:
    """All members, of archives behind each other too; what follows the last is a member without a name.

    Raises Incomplete (malformed, truncated, limit).
    """
    at = 0
    while at < source.size:
        head = source.read_at(at, 110)
        if _NEW.match(head):
            fields = [int(head[place : place + 8], 16) for place in range(6, 110, 8)]
            mode, size, named, start, unit = fields[1], fields[6], fields[11], at + 110, 4
        elif _OLD.match(head):
            mode, named, size = int(head[18:24], 8), int(head[59:65], 8), int(head[65:76], 8)
            start, unit = at + 76, 1
        else:
            raise Incomplete("malformed", "no header where the next member should be", offset=at)
        if not 0 < named <= _NAME:
            raise Incomplete("malformed", f"a name of {named:,} bytes", offset=at)
        name = source.read_at(start, named).rstrip(b"\0").decode("utf-8", "backslashreplace")
        data = _up(start + named, unit)
        if name == _TRAILER:
            found = _behind(source, data)
            if found < source.size and not is_cpio(source.read_at(found, 110)):
                yield Entry(name="", at=found, size=source.size - found)
                return
            at = found
            continue
        _inside(source, data, size, name)
        yield Entry(name=name, at=data, size=size, mode=mode)
        at = _up(data + size, unit)


def _up(offset: int, unit: int) -> int:
    return (offset + unit - 1) // unit * unit


def _behind(source: Source, at: int) -> int:
    """Where the zeros end that pad an archive."""
    while at < source.size:
        piece = source.read_at(at, 1 << 20)
        rest = piece.lstrip(b"\0")
        if rest:
            return at + len(piece) - len(rest)
        at += len(piece)
    return at
