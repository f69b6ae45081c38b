"""The links of an HDF5 group, of the old kind (symbol tables) and the new, and the attributes of any object.

Source: HDF5 File Format Specification 3.0, III.A.1 (version 1 B-trees), III.B and III.C (symbol table nodes), IV.A.2.c
(link info), IV.A.2.g (link), IV.A.2.v (attribute info).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.errors import Incomplete
from mlgate.inspectors._hdf5_dense import FractalHeap, records
from mlgate.inspectors._hdf5_file import Fields, Hdf5File, Message
from mlgate.inspectors._hdf5_values import Attribute, read_attribute

_NODES = 200_000
_LEVELS = 64
HARD, SOFT, EXTERNAL = 0, 1, 64
# where the heap id stands in the records of a B-tree, by the tree's type (III.A.2)
_LINK_RECORDS = {5: (4, 11), 6: (8, 15)}
_ATTRIBUTE_RECORDS = {8: (0, 8), 9: (0, 8)}


@dataclass(frozen=True, slots=True)
class Link:
    """A name in a group: `kind` is HARD, SOFT, EXTERNAL or a user's own number from 65 on."""

    name: str
    kind: int
    address: int | None = None
    file: str = ""
    target: str = ""


def links(file: Hdf5File, messages: list[Message]) -> Iterator[Link]:
    """All links that an object's messages hold or lead to."""
    for message in messages:
        if message.kind == 0x11:
            yield from _symbols(file, file.fields(message.data))
        elif message.kind == 0x06:
            yield _link(file, file.resolved(message))
        elif message.kind == 0x02:
            fields = file.fields(message.data)
            fields.take(1)
            if fields.number(1) & 1:
                fields.take(8)
            for data in _dense(file, fields.address(), fields.address(), _LINK_RECORDS):
                yield _link(file, data)


def attributes(file: Hdf5File, messages: list[Message]) -> Iterator[Attribute]:
    """All attributes of an object."""
    for message in messages:
        if message.kind == 0x0C:
            yield read_attribute(file.resolved(message), file)
        elif message.kind == 0x15:
            fields = file.fields(message.data)
            fields.take(1)
            if fields.number(1) & 1:
                fields.take(2)
            for data in _dense(file, fields.address(), fields.address(), _ATTRIBUTE_RECORDS):
                yield read_attribute(data, file)


def _dense(file: Hdf5File, heap: int | None, tree: int | None, layout: dict[int, tuple[int, int]]) -> Iterator[bytes]:
    if heap is None or tree is None:
        return
    objects = FractalHeap(file, heap)
    for kind, record in records(file, tree):
        if kind not in layout:
            raise Incomplete("malformed", f"links or attributes in a tree of type {kind}", offset=file.start + tree)
        start, end = layout[kind]
        # attributes can be kept in the table of shared messages: the flags behind the id say so
        if layout is _ATTRIBUTE_RECORDS and record[8:9] and record[8] & 2:
            raise Incomplete("unsupported", "messages in a table of shared messages")
        identity = record[start:end]
        if not identity:
            raise Incomplete("malformed", "an empty record in a B-tree", offset=file.start + tree)
        yield objects.object(identity)


def _link(file: Hdf5File, data: bytes) -> Link:
    fields = file.fields(data)
    version, flags = fields.number(1), fields.number(1)
    if version != 1:
        raise Incomplete("unsupported", f"link version {version}")
    kind = fields.number(1) if flags & 8 else HARD
    fields.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = fields.take(fields.number(1 << (flags & 3))).decode("utf-8", "backslashreplace")
    if kind == HARD:
        return Link(name, HARD, fields.address())
    value = fields.take(fields.number(2))
    if kind == SOFT:
        return Link(name, SOFT, target=value.decode("utf-8", "backslashreplace"))
    if kind == EXTERNAL:
        inner = file.fields(value, 1)
        return Link(name, EXTERNAL, file=inner.text(), target=inner.text())
    return Link(name, kind)


def _symbols(file: Hdf5File, fields: Fields) -> Iterator[Link]:
    tree, heap = fields.address(), fields.address()
    if tree is None or heap is None:
        return
    names = file.local_heap(heap)
    for node in leaves(file, tree, kind=0, key=file.length_size):
        entry = 2 * file.offset_size + 24
        head = file.block(node, b"SNOD", 8)
        head.take(2)
        count = head.number(2)
        inner = file.fields(file.read(node + 8, count * entry))
        for _ in range(count):
            name = file.heap_text(names, inner.number(file.offset_size))
            address, cached = inner.address(), inner.number(4)
            inner.take(4)
            scratch = inner.take(16)
            if cached == 2:
                yield Link(name, SOFT, target=file.heap_text(names, int.from_bytes(scratch[:4], "little")))
            else:
                yield Link(name, HARD, address)


def leaves(file: Hdf5File, root: int, *, kind: int, key: int) -> Iterator[int]:
    """Addresses that the lowest level of a version 1 B-tree points to; `key` is the bytes of one key."""
    for address, _ in entries(file, root, kind=kind, key=key):
        yield address


def entries(file: Hdf5File, root: int, *, kind: int, key: int) -> Iterator[tuple[int, bytes]]:
    """(address, key before it) of the lowest level of a version 1 B-tree."""
    size = 8 + 2 * file.offset_size
    pending, seen = [(root, _LEVELS)], {root}
    while pending:
        address, above = pending.pop()
        head = file.block(address, b"TREE", size)
        found, level, count = head.number(1), head.number(1), head.number(2)
        if found != kind or level >= above:
            raise Incomplete("malformed", "a B-tree of another kind", offset=file.start + address)
        fields = file.fields(file.read(address + size, count * (key + file.offset_size)))
        for _ in range(count):
            before, child = fields.take(key), fields.address()
            if child is None or child in seen or len(seen) > _NODES:
                raise Incomplete("malformed", "a B-tree that leads to itself", offset=file.start + address)
            seen.add(child)
            if level:
                pending.append((child, level))
            else:
                yield child, before
