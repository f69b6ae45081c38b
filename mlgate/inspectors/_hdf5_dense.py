"""HDF5's dense storage of links and attributes: version 2 B-trees of heap ids, and fractal heaps behind the ids.

Source: HDF5 File Format Specification 3.0, III.A.2 (version 2 B-trees) and III.G (fractal heap).
"""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._hdf5_file import Fields, Hdf5File

_NODES = 100_000
_DEPTH = 32
_RECORDS = 1_000_000
_PREFIX = 10  # signature, version, type and checksum of a node
_OBJECT = 16 << 20


def _bytes_for(value: int) -> int:
    """Bytes that hold every number up to `value` (H5VM_limit_enc_size)."""
    return max(1, (value.bit_length() + 7) // 8)


def records(file: Hdf5File, address: int) -> Iterator[tuple[int, bytes]]:
    """(type, record) of all records of a version 2 B-tree."""
    fields = file.block(address, b"BTHD", 22 + file.offset_size + file.length_size)
    fields.take(1)
    kind, node, size, depth = fields.number(1), fields.number(4), fields.number(2), fields.number(2)
    fields.take(2)
    root, count = fields.address(), fields.number(2)
    if root is None:
        return
    if not size or depth > _DEPTH or node < _PREFIX + size:
        raise Incomplete("malformed", "an impossible B-tree", offset=file.start + address)
    # per level: how many records a node holds, and the bytes of the count of all records below it
    most = (node - _PREFIX) // size
    leaf_bytes, below, total_bytes = _bytes_for(most), most, [0]
    for _ in range(depth):
        pointer = file.offset_size + leaf_bytes + total_bytes[-1]
        here = (node - _PREFIX - pointer) // (size + pointer)
        below = (here + 1) * below + here
        total_bytes.append(_bytes_for(below))
    pending, seen, told = [(root, count, depth)], {root}, 0
    while pending:
        place, count, level = pending.pop()
        fields = file.block(place, b"BTIN" if level else b"BTLF", node)
        fields.take(2)
        for _ in range(count):
            told += 1
            if told > _RECORDS:
                raise Incomplete("limit", f"more than {_RECORDS:,} records in a B-tree")
            yield kind, fields.take(size)
        for _ in range(count + 1 if level else 0):
            child, number = fields.address(), fields.number(leaf_bytes)
            fields.take(total_bytes[level - 1])
            if child is None or child in seen or len(seen) > _NODES:
                raise Incomplete("malformed", "a B-tree that leads to itself", offset=file.start + place)
            seen.add(child)
            pending.append((child, number, level - 1))


class FractalHeap:
    """Objects by their ids. Raises Incomplete (unsupported) for heaps that are compressed."""

    def __init__(self, file: Hdf5File, address: int) -> None:
        self._file = file
        self._at = address
        length, offset = file.length_size, file.offset_size
        fields = file.block(address, b"FRHP", 22 + 12 * length + 3 * offset)
        fields.take(1)
        self._id, filters = fields.number(2), fields.number(2)
        fields.take(1)
        most = fields.number(4)
        fields.length()
        self._huge_tree = fields.address()
        fields.take(length + offset + 8 * length)
        self._width, self._first, largest = fields.number(2), fields.length(), fields.length()
        bits = fields.number(2)
        fields.take(2)
        self._root, self._rows = fields.address(), fields.number(2)
        if filters:
            raise Incomplete("unsupported", "a compressed heap of links or attributes", offset=file.start + address)
        if not self._width or not self._first or self._first & (self._first - 1) or largest & (largest - 1):
            raise Incomplete("malformed", "an impossible heap", offset=file.start + address)
        self._offset_bytes = (bits + 7) // 8
        self._length_bytes = min(_bytes_for(largest) if largest else 1, _bytes_for(most))
        self._direct_rows = largest.bit_length() - self._first.bit_length() + 2
        self._huge: dict[int, tuple[int, int]] | None = None

    def object(self, identity: bytes) -> bytes:
        """The bytes of an object (III.G, heap ids for managed, huge and tiny objects)."""
        fields = self._file.fields(identity, 1)
        kind = identity[0] >> 4 & 3
        if kind == 0:
            offset, length = fields.number(self._offset_bytes), fields.number(self._length_bytes)
            return self._file.read(self._place(offset), length)
        if kind == 1:
            address, length = self._huge_place(fields)
            if length > _OBJECT:
                raise Incomplete("limit", f"an attribute of {length:,} bytes")
            return self._file.read(address, length)
        if kind == 2:
            extended = self._id - 1 > 16
            length = (((identity[0] & 15) << 8 | fields.number(1)) if extended else identity[0] & 15) + 1
            return fields.take(length)
        raise Incomplete("malformed", "an unknown kind of heap object")

    def _huge_place(self, fields: Fields) -> tuple[int, int]:
        if self._id - 1 >= self._file.offset_size + self._file.length_size:
            return fields.address() or 0, fields.length()
        if self._huge is None:
            self._huge = {}
            for kind, record in records(self._file, self._huge_tree) if self._huge_tree is not None else ():
                if kind != 1:
                    raise Incomplete("unsupported", f"huge heap objects in a tree of type {kind}")
                inner = self._file.fields(record)
                address, length = inner.address(), inner.length()
                self._huge[inner.length()] = (address or 0, length)
        number = fields.number(min(self._file.length_size, self._id - 1))
        if number not in self._huge:
            raise Incomplete("malformed", "a huge object is not in its heap", offset=self._file.start + self._at)
        return self._huge[number]

    def _size(self, row: int) -> int:
        return self._first << max(0, row - 1)

    def _place(self, offset: int) -> int:
        """The address of an offset in the heap's own space: down the doubling table to a direct block."""
        block, rows, base = self._root, self._rows, offset
        for _ in range(_DEPTH):
            if block is None:
                break
            if not rows:
                return block + base
            span = self._width * self._first
            row = 0 if base < span else (base // span).bit_length()
            if row >= rows:
                break
            base -= 0 if row == 0 else span << (row - 1)
            column, base = divmod(base, self._size(row))
            block, rows = self._child(block, row, column)
        raise Incomplete("malformed", "an object lies outside of its heap", offset=self._file.start + self._at)

    def _child(self, indirect: int, row: int, column: int) -> tuple[int | None, int]:
        """Address of a block in an indirect block, and its rows when it is indirect itself."""
        self._file.block(indirect, b"FHIB", 5)
        entry = row * self._width + column
        start = indirect + 5 + self._file.offset_size + self._offset_bytes + entry * self._file.offset_size
        fields = self._file.fields(self._file.read(start, self._file.offset_size))
        if row < self._direct_rows:
            return fields.address(), 0
        rows = self._size(row).bit_length() - (self._first * self._width).bit_length() + 1
        return fields.address(), max(1, rows)
