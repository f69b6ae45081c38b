"""The header of a 7z archive: where the packed streams are, which coders they went through, and the files in them.

Source: 7zFormat.txt of the LZMA SDK ("Data structures", "Property IDs"). The header stands at the end of the file and
is usually packed itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from mlgate.errors import Incomplete

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
START = 32  # bytes of the signature header; offsets count from its end
MEMBERS = 100_000
_FOLDERS = 50_000
_CODERS = 4  # what 7-Zip accepts is 32; honest archives have at most four (BCJ2)
HEADER = 32 << 20
_END, _HEADER, _PROPERTIES, _ADDITIONAL, _STREAMS, _FILES = range(6)
_PACK, _UNPACK, _SUBSTREAMS, _SIZE, _CRC, _FOLDER, _CODERS_SIZE, _COUNT = range(6, 14)
_EMPTY, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES, ENCODED = 14, 15, 16, 17, 21, 23
_UNIX = 0x8000  # attributes: the upper half is a Unix mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """One method of a folder; `inputs` counts its packed streams."""

    method: bytes
    properties: bytes
    inputs: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Coders that together unpack one stream. `chain` are their numbers from the packed bytes to the content.

    It is empty when the coders are no simple chain (BCJ2). `sizes` has what each coder unpacks to.
    """

    coders: tuple[Coder, ...]
    chain: tuple[int, ...]
    packed: int
    sizes: tuple[int, ...] = ()
    last: int = 0
    crc: int | None = None

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.sizes[self.last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Folders, and for each the place of its first packed stream and the (size, CRC-32) of the files in it."""

    folders: tuple[Folder, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    parts: tuple[tuple[tuple[int, int | None], ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file: `empty` ones have no stream. `mode` is its Unix mode or 0."""

    name: str
    empty: bool
    mode: int
    folder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The archive: its streams, and its entries in the order of their streams."""

    streams: Streams
    entries: tuple[Entry, ...]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            raise Incomplete("truncated", "the 7z header ends early")
        self.at += length
        return self.data[self.at - length : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self, limit: int = 1 << 62) -> int:
        """As many more bytes as the first one has leading ones, then its own bits on top ("NUMBER")."""
        first = self.byte()
        more = next((bit for bit in range(8) if not first & 0x80 >> bit), 8)
        low = int.from_bytes(self.take(more), "little")
        value = low + ((first & (0x7F >> more)) << 8 * more) if more < 8 else low
        if value > limit:
            raise Incomplete("limit", f"a number of {value:,} in the 7z header, {limit:,} is the most")
        return value

    def count(self, limit: int) -> int:
        return self.number(limit)

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[index // 8] & 0x80 >> index % 8) for index in range(count)]

    def defined(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def digests(self, count: int) -> list[int | None]:
        return [int.from_bytes(self.take(4), "little") if there else None for there in self.defined(count)]

    def expect(self, kind: int) -> None:
        if self.number() != kind:
            raise Incomplete("malformed", f"the 7z header lacks property {kind}")


def parse_header(data: bytes) -> Header | Streams:
    """The header, or the streams in which the real one is packed. Raises Incomplete (malformed, truncated, limit)."""
    reader = _Reader(data)
    kind = reader.number()
    if kind == ENCODED:
        return _streams(reader)
    if kind != _HEADER:
        raise Incomplete("malformed", f"a 7z header of kind {kind}")
    streams = Streams()
    entries: tuple[Entry, ...] = ()
    while (kind := reader.number()) != _END:
        if kind == _PROPERTIES:
            while reader.number() != _END:
                reader.take(reader.number())
        elif kind == _ADDITIONAL:
            raise Incomplete("unsupported", "the 7z header has additional streams")
        elif kind == _STREAMS:
            streams = _streams(reader)
        elif kind == _FILES:
            entries = _files(reader)
        else:
            raise Incomplete("malformed", f"property {kind} in a 7z header")
    return Header(streams=streams, entries=entries)


def _streams(reader: _Reader) -> Streams:
    position = 0
    sizes: tuple[int, ...] = ()
    folders: Sequence[Folder] = ()
    parts: Sequence[tuple[tuple[int, int | None], ...]] | None = None
    while (kind := reader.number()) != _END:
        if kind == _PACK:
            position, sizes = _pack(reader)
        elif kind == _UNPACK:
            folders = _folders(reader)
        elif kind == _SUBSTREAMS:
            parts = _substreams(reader, folders)
        else:
            raise Incomplete("malformed", f"property {kind} among a 7z header's streams")
    places, index = [], 0
    for folder in folders:
        if index + folder.packed > len(sizes):
            raise Incomplete("malformed", "a 7z folder has no packed stream")
        places.append((position, sizes[index]))
        position += sum(sizes[index : index + folder.packed])
        index += folder.packed
    if parts is None:
        parts = [((folder.size, folder.crc),) for folder in folders]
    return Streams(folders=tuple(folders), places=tuple(places), parts=tuple(parts))


def _pack(reader: _Reader) -> tuple[int, tuple[int, ...]]:
    position, count = reader.number(), reader.count(_FOLDERS * _CODERS)
    sizes: tuple[int, ...] = ()
    while (kind := reader.number()) != _END:
        if kind == _SIZE:
            sizes = tuple(reader.number() for _ in range(count))
        elif kind == _CRC:
            reader.digests(count)
        else:
            raise Incomplete("malformed", f"property {kind} among a 7z header's packed streams")
    return position, sizes


def _folders(reader: _Reader) -> list[Folder]:
    reader.expect(_FOLDER)
    count = reader.count(_FOLDERS)
    if reader.byte():
        raise Incomplete("unsupported", "the 7z header keeps its folders elsewhere")
    bare = [_folder(reader) for _ in range(count)]
    reader.expect(_CODERS_SIZE)
    sizes = [tuple(reader.number() for coder in folder.coders for _ in range(coder.outputs)) for folder in bare]
    crcs: list[int | None] = [None] * count
    while (kind := reader.number()) != _END:
        if kind != _CRC:
            raise Incomplete("malformed", f"property {kind} among a 7z header's folders")
        crcs = reader.digests(count)
    return [
        Folder(coders=f.coders, chain=f.chain, packed=f.packed, sizes=s, last=f.last, crc=c)
        for f, s, c in zip(bare, sizes, crcs, strict=True)
    ]


def _folder(reader: _Reader) -> Folder:
    coders = []
    for _ in range(reader.count(_CODERS)):
        flags = reader.byte()
        if flags & 0xC0:
            raise Incomplete("unsupported", "a 7z coder of a newer kind")
        method = reader.take(flags & 15)
        inputs, outputs = (reader.count(_CODERS), reader.count(1)) if flags & 16 else (1, 1)
        properties = reader.take(reader.number()) if flags & 32 else b""
        coders.append(Coder(method=method, properties=properties, inputs=inputs, outputs=outputs))
    total_in, total_out = sum(coder.inputs for coder in coders), sum(coder.outputs for coder in coders)
    if not coders or total_out != len(coders):
        raise Incomplete("malformed", "a 7z folder whose coders do not fit together")
    pairs = {reader.count(total_in): reader.count(total_out) for _ in range(total_out - 1)}
    packed = total_in - len(pairs)
    if packed > 1:
        reader_streams = [reader.count(total_in) for _ in range(packed)]
        if len(set(reader_streams)) < packed:
            raise Incomplete("malformed", "a 7z folder whose streams do not fit together")
    ends = [number for number in range(total_out) if number not in pairs.values()]
    if len(pairs) != total_out - 1 or len(ends) != 1 or packed < 1:
        raise Incomplete("malformed", "a 7z folder whose coders do not fit together")
    return Folder(coders=tuple(coders), chain=_chain(coders, pairs, ends[0]), packed=packed, last=ends[0])


def _chain(coders: Sequence[Coder], pairs: dict[int, int], last: int) -> tuple[int, ...]:
    if any(coder.inputs != 1 for coder in coders):
        return ()
    chain = [last]
    while chain[-1] in pairs:
        chain.append(pairs[chain[-1]])
        if len(chain) > len(coders):
            raise Incomplete("malformed", "a 7z folder whose coders go in a circle")
    if len(chain) != len(coders):
        raise Incomplete("malformed", "a 7z folder with a coder of no use")
    return tuple(reversed(chain))


def _substreams(reader: _Reader, folders: Sequence[Folder]) -> list[tuple[tuple[int, int | None], ...]]:
    counts = [1] * len(folders)
    kind = reader.number()
    if kind == _COUNT:
        counts = [reader.count(MEMBERS) for _ in folders]
        if sum(counts) > MEMBERS:
            raise Incomplete("limit", f"more than {MEMBERS:,} members")
        kind = reader.number()
    sizes = []
    for folder, count in zip(folders, counts, strict=True):
        own = [reader.number() for _ in range(count - 1)] if kind == _SIZE else []
        if count:
            own.append(folder.size - sum(own))
        if len(own) != count or min(own, default=0) < 0:
            raise Incomplete("malformed", "the files of a 7z folder do not fit into it")
        sizes.append(own)
    if kind == _SIZE:
        kind = reader.number()
    known = [folder.crc if count == 1 else None for folder, count in zip(folders, counts, strict=True)]
    missing = sum(count for count, crc in zip(counts, known, strict=True) if crc is None)
    told: list[int | None] = [None] * missing
    while kind != _END:
        if kind == _CRC:
            told = reader.digests(missing)
        else:
            reader.take(reader.number())
        kind = reader.number()
    rest = iter(told)
    return [
        tuple((size, crc if crc is not None else next(rest)) for size in own)
        for own, crc in zip(sizes, known, strict=True)
    ]


def _files(reader: _Reader) -> tuple[Entry, ...]:
    count = reader.count(MEMBERS)
    names: list[str] = []
    empty, folders, modes = [False] * count, [True] * count, [0] * count
    while (kind := reader.number()) != _END:
        inner = _Reader(reader.take(reader.number()))
        if kind == _EMPTY:
            empty = inner.bits(count)
        elif kind == _EMPTY_FILE:
            flags = iter(inner.bits(sum(empty)))
            folders = [not next(flags) if it else False for it in empty]
        elif kind == _NAMES:
            if inner.byte():
                raise Incomplete("unsupported", "the 7z header keeps its names elsewhere")
            text = inner.data[1:].decode("utf-16-le", "backslashreplace")
            if text.count("\0") != count:
                raise Incomplete("malformed", f"{text.count(chr(0)):,} names for {count:,} files in the 7z header")
            names = text.split("\0")[:-1]
        elif kind == _ATTRIBUTES:
            there = inner.defined(count)
            if inner.byte():
                raise Incomplete("unsupported", "the 7z header keeps its attributes elsewhere")
            attributes = [int.from_bytes(inner.take(4), "little") if it else 0 for it in there]
            modes = [value >> 16 if value & _UNIX else 0 for value in attributes]
    if len(names) != count:
        raise Incomplete("malformed", f"{len(names):,} names for {count:,} files in the 7z header")
    return tuple(
        Entry(name=name, empty=none, mode=mode, folder=none and folder)
        for name, none, mode, folder in zip(names, empty, modes, folders, strict=True)
    )


def checked(data: bytes, crc: int | None, what: str) -> bytes:
    """The data, when its CRC-32 is right. Raises Incomplete (malformed)."""
    if crc is not None and zlib.crc32(data) != crc:
        raise Incomplete("malformed", f"the checksum of {what} is wrong")
    return data
