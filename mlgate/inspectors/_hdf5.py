"""Walks all objects of an HDF5 file by its links: datasets with where their bytes are, attributes, links that leave it.

Source: HDF5 File Format Specification 3.0, IV.A.2.h (external data files), IV.A.2.i (layout), IV.A.2.l (filters) and
the global heap block of virtual datasets in its appendix C.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.inspectors._hdf5_file import Fields, Hdf5File, Message
from mlgate.inspectors._hdf5_links import HARD, Link, attributes, links
from mlgate.inspectors._hdf5_values import Attribute, Type, read_shape, read_type

_OBJECTS = 200_000
_LINKS = 1_000_000
_SOURCES = 10_000
_FILTERS = 32
_PATH = 4000
_VIRTUAL_BLOCK = 8 << 20
_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a pipeline by its registered number, and the name the file gives it."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a dataset's messages say; `place` and `size` for contiguous bytes, `tree` for chunks of `chunk` elements."""

    type: Type
    shape: tuple[int, ...]
    filters: tuple[Filter, ...] = ()
    external: tuple[str, ...] = ()
    virtual: tuple[str, ...] = ()
    layout: int = _CONTIGUOUS
    version: int = 3
    place: int | None = None
    size: int = 0
    chunk: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """An object under the first path that led to it."""

    path: str
    attributes: tuple[Attribute, ...]
    dataset: Dataset | None


@dataclass(frozen=True, slots=True)
class Away:
    """A link that is no hard link: soft, external or of a user's own kind."""

    path: str
    link: Link


@dataclass(frozen=True, slots=True)
class Cycle:
    """A hard link to a group that it is in."""

    path: str


def walk(file: Hdf5File) -> Iterator[Node | Away | Cycle]:
    """Every object once, and every link. An object that cannot be read hides no other: the first stop comes last."""
    if file.root is None:
        raise Incomplete("malformed", "the file has no root group")
    stopped: Incomplete | None = None
    way = _Way(file.root)
    # an address alone marks the end of the group there
    pending: list[tuple[str, int] | int] = [("", file.root)]
    while pending:
        item = pending.pop()
        if isinstance(item, int):
            way.above.discard(item)
            continue
        path, address = item
        way.above.add(address)
        pending.append(address)
        inside: list[tuple[str, int] | int] = []
        try:
            messages = file.messages(address)
            yield _node(file, path or "/", messages)
            for link in links(file, messages):
                yield from way.follow(f"{path}/{link.name}"[:_PATH], link, inside)
        except Incomplete as stop:
            stopped = stopped or Incomplete(stop.reason, f"{stop.detail} (at {path[-100:] or '/'})", offset=stop.offset)
            if stop.reason == "limit":
                break
        pending += reversed(inside)
    if stopped is not None:
        raise stopped


class _Way:
    """What was seen, and the groups that the current one is in."""

    def __init__(self, root: int) -> None:
        self.seen = {root}
        self.above: set[int] = set()
        self._count = 0

    def follow(self, name: str, link: Link, inside: list[tuple[str, int] | int]) -> Iterator[Away | Cycle]:
        """Adds a new object to `inside`, and yields the link when it is no way to one."""
        self._count += 1
        if self._count > _LINKS or len(self.seen) > _OBJECTS:
            raise Incomplete("limit", f"more than {_OBJECTS:,} objects")
        if link.kind != HARD:
            yield Away(name, link)
        elif link.address is None:
            raise Incomplete("malformed", f"{name[:100]!r} leads nowhere")
        elif link.address in self.above:
            yield Cycle(name)
        elif link.address not in self.seen:
            self.seen.add(link.address)
            inside.append((name, link.address))


def _node(file: Hdf5File, path: str, messages: list[Message]) -> Node:
    found = tuple(attributes(file, messages))
    by_kind = {message.kind: message for message in messages}
    if 0x08 not in by_kind or 0x03 not in by_kind or 0x01 not in by_kind:
        return Node(path, found, None)
    return Node(path, found, _dataset(file, by_kind))


def _dataset(file: Hdf5File, messages: dict[int, Message]) -> Dataset:
    type_ = read_type(file.fields(file.resolved(messages[0x03])))
    shape = read_shape(file.resolved(messages[0x01]), file)
    external = _external(file, messages[0x07]) if 0x07 in messages else ()
    filters = _filters(file.fields(file.resolved(messages[0x0B]))) if 0x0B in messages else ()
    fields = file.fields(messages[0x08].data)
    version = fields.number(1)
    place: int | None = None
    size, chunk = 0, tuple[int, ...]()
    virtual = tuple[str, ...]()
    if version in (1, 2):
        rank, layout = fields.number(1), fields.number(1)
        fields.take(5)
        place = fields.address() if layout != _COMPACT else None
        chunk = tuple(fields.number(4) for _ in range(rank)) if layout == _CHUNKED else ()
        if layout == _CONTIGUOUS:
            size = type_.size
            for length in shape:
                size *= length
    elif version in (3, 4, 5):
        layout = fields.number(1)
        if layout == _CONTIGUOUS:
            place, size = fields.address(), fields.length()
        elif layout == _CHUNKED and version == 3:
            rank = fields.number(1)
            place = fields.address()
            chunk = tuple(fields.number(4) for _ in range(rank))
        elif layout == _VIRTUAL:
            place = fields.address()
            virtual = _virtual(file, place, fields.number(4)) if place else ()
    else:
        raise Incomplete("unsupported", f"layout version {version}")
    if layout == _CONTIGUOUS and place is not None and not external:
        there = file.source.size - file.start
        if place + size > there:
            raise Incomplete("truncated", f"a dataset needs {size:,} bytes at {place:,} of {there:,}")
    return Dataset(
        type=type_,
        shape=shape,
        filters=filters,
        external=external,
        virtual=virtual,
        layout=layout,
        version=version,
        place=place,
        size=size,
        chunk=chunk,
    )


def _external(file: Hdf5File, message: Message) -> tuple[str, ...]:
    """Names of the files that hold a dataset's bytes."""
    fields = file.fields(file.resolved(message))
    version = fields.number(1)
    fields.take(3)
    fields.number(2)
    used, heap = fields.number(2), fields.address()
    if version != 1 or heap is None:
        raise Incomplete("unsupported", f"external file list version {version}")
    names, found = file.local_heap(heap), []
    for _ in range(used):
        found.append(file.heap_text(names, fields.length()))
        fields.length()
        fields.length()
    return tuple(found)


def _filters(fields: Fields) -> tuple[Filter, ...]:
    version, count = fields.number(1), fields.number(1)
    if version not in (1, 2) or count > _FILTERS:
        raise Incomplete("unsupported", f"filter pipeline version {version} with {count} filters")
    if version == 1:
        fields.take(6)
    found = []
    for _ in range(count):
        number = fields.number(2)
        length = fields.number(2) if version == 1 or number >= 256 else 0
        fields.take(2)
        values = fields.number(2)
        raw = fields.take(-(-length // 8) * 8 if version == 1 else length)
        fields.take(4 * (values + (values & 1 if version == 1 else 0)))
        found.append(Filter(number, raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")))
    return tuple(found)


def _virtual(file: Hdf5File, collection: int, index: int) -> tuple[str, ...]:
    """Names of the files that a virtual dataset is put together from; "." is the file itself."""
    address, size = file.global_object(collection, index)
    if size > _VIRTUAL_BLOCK:
        raise Incomplete("limit", f"a virtual dataset described in {size:,} bytes")
    fields = file.fields(file.read(address, size))
    version, count = fields.number(1), fields.length()
    if version != 0:
        raise Incomplete("unsupported", f"virtual dataset version {version}")
    if count > _SOURCES:
        raise Incomplete("limit", f"a virtual dataset of {count:,} parts")
    found: dict[str, None] = {}
    for _ in range(count):
        found[fields.text()] = None
        fields.text()
        _selection(fields)
        _selection(fields)
    return tuple(found)


def _selection(fields: Fields) -> None:
    """Goes past a serialized selection (IV.A.2 "dataspace selection": none, points, hyperslab, all)."""
    kind, version = fields.number(4), fields.number(4)
    if kind in (0, 3):
        fields.take(8)
    elif version == 1:
        fields.take(4)
        fields.take(fields.number(4))
    elif version == 2 and kind == 2:
        fields.take(1)
        fields.take(fields.number(4))
    elif version in (2, 3):
        regular = bool(fields.number(1) & 1) if kind == 2 else False
        width, rank = fields.number(1), fields.number(4)
        if regular:
            fields.take(4 * rank * width)
        else:
            fields.take(fields.number(width) * rank * width * (2 if kind == 2 else 1))
    else:
        raise Incomplete("unsupported", f"selection {kind} version {version}")
