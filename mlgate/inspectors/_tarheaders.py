"""The headers of a tar archive, each with what the extended headers before it say.

Sources: POSIX.1-2017 pax (ustar and pax headers), the GNU tar manual's "Basic Tar Format" (long names, sparse files,
base-256 numbers), Lib/tarfile.py for what Python accepts. Every header is at a block of 512 bytes, and its checksum
says whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.identify import is_tar_header, tar_number
from mlgate.records import Source

BLOCK = 512
_EXTENDED = 1 << 20  # bytes of one extended header; names have at most 4,096 in practice
_RECORD = re.compile(rb"(\d{1,8}) ([^=\n]{1,1000})=")
_ZEROS = bytes(BLOCK)
_SCAN = 1 << 20
LINKS, DEVICES = "12", "346"
_DATALESS = "123456"  # readers go on right behind these headers, whatever size they name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member. `data` is where its bytes begin, `header_size` the size in the plain header."""

    name: str
    kind: str
    target: str
    data: int
    size: int
    header_size: int
    sparse: bool = False


@dataclass(slots=True)
class Walked:
    """What is odd about the archive as a whole, filled while its entries are walked: offsets, -1 for none.

    `behind` is the first header behind an end mark, `broken` the first one with a wrong checksum.
    """

    behind: int = -1
    broken: int = -1


def entries(source: Source, walked: Walked) -> Iterator[Entry]:
    """All members, also those behind an end mark or a broken header, where lenient readers go on.

    Raises Incomplete (malformed, truncated, limit).
    """
    at = 0
    extended: dict[str, str] = {}
    everywhere: dict[str, str] = {}
    ended = False
    while at < source.size:
        block = source.read_at(at, BLOCK)
        if not is_tar_header(block):
            if extended:
                raise Incomplete("malformed", "an extended header has no member", offset=at)
            blank = block == _ZEROS[: len(block)]
            if not blank and walked.broken < 0 and not ended:
                walked.broken = at
            ended = ended or blank
            found = _next_header(source, at + BLOCK)
            if found is None:
                return
            if ended and walked.behind < 0:
                walked.behind = found
            at = found
            continue
        entry, at = _entry(source, block, at, extended, everywhere)
        if entry is not None:
            extended = {}
            yield entry


def _next_header(source: Source, at: int) -> int | None:
    while at < source.size:
        piece = source.read_at(at, _SCAN)
        if piece.count(0) < len(piece):
            for start in range(0, len(piece), BLOCK):
                if is_tar_header(piece[start : start + BLOCK]):
                    return at + start
        at += len(piece)
    return None


def _entry(
    source: Source, block: bytes, at: int, extended: dict[str, str], everywhere: dict[str, str]
) -> tuple[Entry | None, int]:
    """(the member, or None after an extended header, which is put into the dictionaries; where to go on)"""
    kind = chr(block[156])
    try:
        size = tar_number(block[124:136])
    except ValueError:
        raise Incomplete("malformed", "a member's size is no number", offset=at) from None
    following = at + BLOCK
    if size < 0:
        raise Incomplete("malformed", "a member's size is negative", offset=at)
    if kind in "xgXLK":
        if size > _EXTENDED:
            raise Incomplete("limit", f"an extended header of {size:,} bytes", offset=at)
        data = source.read_at(following, size)
        if len(data) < size:
            raise Incomplete("truncated", "an extended header goes past the end", offset=at)
        if kind == "g":
            _pax(data, everywhere, following)
            return None, following + _padded(size)
        said: dict[str, str] = {}
        if kind in "LK":
            said["path" if kind == "L" else "linkpath"] = _text(data)
        else:
            _pax(data, said, following)
        if any(extended.get(key, value) != value for key, value in said.items()):
            # Python takes the first of two extended headers of one member, GNU tar the last
            raise Incomplete("malformed", "two extended headers of a member disagree", offset=at)
        extended.update(said)
        return None, following + _padded(size)
    fields: Mapping[str, str] = {**everywhere, **extended}
    name, target = fields.get("path", _plain_name(block)), fields.get("linkpath", _text(block[157:257]))
    plain = size
    if "size" in fields:
        if not re.fullmatch(r"\d{1,18}", fields["size"]):
            raise Incomplete("malformed", "an extended header's size is no number", offset=at)
        size = int(fields["size"])
    sparse = kind == "S" or any(key.startswith("GNU.sparse") for key in fields)
    if kind == "S":
        following = _behind_sparse_map(source, block, following)
    entry = Entry(name=name, kind=kind, target=target, data=following, size=size, header_size=plain, sparse=sparse)
    return entry, following + (0 if kind in _DATALESS else _padded(size))


def _behind_sparse_map(source: Source, block: bytes, at: int) -> int:
    more = block[482]
    while more:
        block = source.read_at(at, BLOCK)
        if len(block) < BLOCK:
            raise Incomplete("truncated", "a sparse file's map goes past the end", offset=at)
        more = block[504]
        at += BLOCK
    return at


def _plain_name(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _padded(size: int) -> int:
    return (size + BLOCK - 1) // BLOCK * BLOCK


def _pax(data: bytes, into: dict[str, str], offset: int) -> None:
    """Records of length, blank, key, `=`, value, newline (pax Extended Header). Raises Incomplete (malformed)."""
    at = 0
    while at < len(data) and data[at]:
        match = _RECORD.match(data, at)
        length = int(match[1]) if match else 0
        if not match or at + length > len(data) or match.end() >= at + length or data[at + length - 1] != 10:
            raise Incomplete("malformed", "an extended header's records do not fit together", offset=offset + at)
        into[match[2].decode("utf-8", "backslashreplace")] = data[match.end() : at + length - 1].decode(
            "utf-8", "backslashreplace"
        )
        if len(into) > 10_000:
            raise Incomplete("limit", "an extended header has too many records", offset=offset)
        at += length
