"""7z archives: their list, and every member that can be unpacked once more round."""

from __future__ import annotations

import dataclasses
import re
import stat
import zlib
from collections.abc import Iterator

from mlgate import rules
from mlgate.errors import Incomplete
from mlgate.inspectors._members import LINK, OUT, THROUGH, TWICE, Names, member
from mlgate.inspectors._sevenzip import HEADER, START, Entry, Header, Streams, checked, parse_header
from mlgate.inspectors._sevenzipcoders import pieces
from mlgate.inspectors._ziprules import CHECKSUM
from mlgate.inspectors._zipunpack import FileSource
from mlgate.records import Artifact, Inspector, Observation, Source
from mlgate.sources import BytesSource, SliceSource

_FREE = 64 << 20  # below this, no ratio is a bomb
_LINK_LENGTH = 4096
# what 7-Zip, WinZip and rar cut their archives into
_VOLUME = re.compile(r".+\.(?:7z|zip)\.\d{3,}|.+\.z\d\d|.+\.r\d\d|.+\.part\d+\.rar", re.IGNORECASE)


def _claims(artifact: Artifact) -> bool:
    return "7z" in artifact.formats or (_VOLUME.fullmatch(artifact.name) is not None and not artifact.formats)


def _header(artifact: Artifact) -> Header:
    """The header, unpacked. Raises Incomplete."""
    source = artifact.source
    start = source.read_at(0, START)
    if len(start) < START:
        raise Incomplete("truncated", "the 7z archive has no start header")
    if start[6]:
        raise Incomplete("unsupported", f"7z version {start[6]}")
    checked(start[12:32], int.from_bytes(start[8:12], "little"), "the 7z start header")
    offset, size = int.from_bytes(start[12:20], "little"), int.from_bytes(start[20:28], "little")
    if not size:
        return Header(streams=Streams(), entries=())
    if size > HEADER:
        raise Incomplete("limit", f"a 7z header of {size:,} bytes")
    if START + offset + size > source.size:
        raise Incomplete("truncated", "the 7z header is behind the end of the file: cut, or one volume of several")
    data = checked(source.read_at(START + offset, size), int.from_bytes(start[28:32], "little"), "the 7z header")
    for _ in range(4):
        header = parse_header(data)
        if isinstance(header, Header):
            return header
        if len(header.folders) != 1:
            raise Incomplete("malformed", "a packed 7z header of several folders")
        folder, (place, packed) = header.folders[0], header.places[0]
        if folder.size > HEADER:
            raise Incomplete("limit", f"a 7z header of {folder.size:,} bytes")
        data = checked(b"".join(pieces(source, START + place, packed, folder)), folder.crc, "the packed 7z header")
    raise Incomplete("limit", "the 7z header is packed more than four times")


def _unpack(artifact: Artifact, header: Header, index: int, left: int) -> tuple[Source, Incomplete | None]:
    """The content of a folder, as much as could be unpacked, and what stopped it."""
    streams = header.streams
    folder, (place, packed) = streams.folders[index], streams.places[index]
    limits = artifact.limits
    plain = len(folder.coders) == 1 and folder.coders[0].method == b"\0"
    bomb = folder.size > _FREE and folder.size > limits.ratio * max(packed, 1)
    if bomb or (folder.size > left and not plain):
        return BytesSource(b""), Incomplete("limit", f"a 7z folder unpacks from {packed:,} to {folder.size:,} bytes")
    if START + place + packed > artifact.source.size:
        return BytesSource(b""), Incomplete("truncated", "packed 7z content is behind the end of the file")
    if plain and folder.size <= packed:
        return SliceSource(artifact.source, START + place, folder.size), None
    file = FileSource()
    try:
        for piece in pieces(artifact.source, START + place, packed, folder):
            file.append(piece)
    except Incomplete as stop:
        return file, stop
    return file, None


def _crc(source: Source) -> int:
    crc = 0
    for offset in range(0, source.size, 1 << 20):
        crc = zlib.crc32(source.read_at(offset, 1 << 20), crc)
    return crc


def _inspect(artifact: Artifact) -> Iterator[Observation]:
    """Findings and members. Raises Incomplete for what could not be read."""
    if "7z" not in artifact.formats:
        raise Incomplete("unsupported", "one volume of an archive in several")
    header = _header(artifact)
    names = Names(artifact)
    filled = []
    for entry in header.entries:
        if not stat.S_ISLNK(entry.mode):
            yield from names.file(f"{entry.name}/" if entry.folder else entry.name)
        if not entry.empty:
            filled.append(entry)
    expected = sum(map(len, header.streams.parts))
    if len(filled) != expected:
        raise Incomplete("malformed", f"{len(filled):,} files and {expected:,} streams in the 7z header")
    yield from _contents(artifact, header, filled, names)


def _contents(artifact: Artifact, header: Header, filled: list[Entry], names: Names) -> Iterator[Observation]:
    stopped: Incomplete | None = None
    left = artifact.limits.unpacked
    rest = iter(filled)
    for index, parts in enumerate(header.streams.parts):
        members = [next(rest) for _ in parts]
        content, stop = _unpack(artifact, header, index, left)
        if isinstance(content, FileSource):
            left -= content.size
        at = 0
        for (size, crc), entry in zip(parts, members, strict=True):
            inside = SliceSource(content, at, max(0, min(size, content.size - at)))
            at += size
            if inside.size or not size:
                yield from _one(artifact, entry, inside, crc if inside.size == size else None, names, left)
        if stop is not None and (stopped is None or stop.reason == "encrypted"):
            listed = ", ".join(repr(entry.name[:60]) for entry in members[:3])
            stopped = Incomplete(stop.reason, f"{listed} of {len(members):,} in a 7z folder: {stop.detail}")
    if stopped is not None:
        raise stopped


def _one(
    artifact: Artifact, entry: Entry, inside: SliceSource, crc: int | None, names: Names, left: int
) -> Iterator[Observation]:
    if stat.S_ISLNK(entry.mode):
        target = inside.read_at(0, _LINK_LENGTH).decode("utf-8", "backslashreplace")
        yield from names.link(entry.name, target, hard=False)
    budget = dataclasses.replace(artifact.limits, unpacked=max(0, left))
    found = dataclasses.replace(member(artifact, entry.name, inside), limits=budget)
    if crc is not None and _crc(inside) != crc:
        message = f"The checksum of {entry.name[:200]!r} is wrong."
        yield rules.finding(CHECKSUM, found.at(), message, evidence="crc-32")
    yield found


INSPECTOR = Inspector(
    name="sevenzip",
    claims=_claims,
    inspect=_inspect,
    rules=(LINK, OUT, THROUGH, TWICE, CHECKSUM),
    suffixes=(".7z",),
    container=True,
    reads="7z archives: the list at the end, also when it is packed itself, and every member packed with Copy, LZMA, "
    "LZMA2, Delta, BCJ (x86, PowerPC, IA-64, ARM, Thumb, SPARC), BZip2, Deflate, zstd or lz4 goes through all readers "
    "again. Checksums are compared; told are names and links that lead out of the folder.",
    misses="Members packed with PPMd, BCJ2, Deflate64, Brotli or the ARM64 and RISC-V filters, encrypted ones, "
    "dictionaries over 64 MiB and archives in several volumes are incomplete.",
)
