"""Rows of variable length in an HDF5 dataset: PyTables and pandas keep objects there, each row a pickle.

Source: HDF5 File Format Specification 3.0, III.A.1 (chunk trees, node type 1) and IV.A.2.l (filters); tables/vlarray.py
and tables/atom.py (ObjectAtom) for what is in the rows.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.inspectors._hdf5 import CHUNKED, CONTIGUOUS, Dataset
from mlgate.inspectors._hdf5_file import Hdf5File
from mlgate.inspectors._hdf5_links import entries

_ROWS = 20_000
_ROW = 64 << 20
_TOTAL = 96 << 20  # bytes of all rows: they count as structure
_CHUNK = 16 << 20
_STEP = 8 << 20
_PROTOCOL = 5
_PEEK = 4096
_DEFLATE, _SHUFFLE, _FLETCHER = 1, 2, 3


def rows(file: Hdf5File, dataset: Dataset) -> Iterator[bytes]:
    """The rows in the order of their chunks. Raises Incomplete (unsupported, malformed, limit)."""
    if dataset.type.kind != "vlen":
        raise Incomplete("unsupported", f"rows of objects of type {dataset.type.label}")
    count, budget = 0, _TOTAL
    for used, chunk in _chunks(file, dataset):
        fields = file.fields(chunk)
        for _ in range(min(used, fields.left // (8 + file.offset_size))):
            length, collection, index = fields.number(4), fields.address(), fields.number(4)
            count += 1
            if not length or not collection:
                continue
            address, size = file.global_object(collection, index)
            size = min(size, length * (dataset.type.base.size if dataset.type.base else 1))
            budget -= size
            if size > _ROW or budget < 0 or count > _ROWS:
                raise Incomplete("limit", "more rows of objects than are looked at")
            yield b"".join(file.read(address + at, min(_STEP, size - at)) for at in range(0, size, _STEP))


def pickled(file: Hdf5File, dataset: Dataset, *, named: bool) -> bytes | None:
    """The bytes of a dataset of bytes that begins like a pickle of protocol 2 to 5, or that is `named` one.

    hickle and programs of people's own keep objects so. Raises Incomplete when the bytes are out of reach.
    """
    plain = dataset.type.kind in ("opaque", "string", "bitfield") or dataset.type.label == "int8"
    if not plain or not math.prod(dataset.shape) or dataset.external or dataset.virtual:
        return None
    first = b"" if named else _beginning(file, dataset)
    if not named and not (first[:1] == b"\x80" and len(first) > 1 and 2 <= first[1] <= _PROTOCOL):
        return None
    if not named:
        try:
            found = _whole(file, dataset)
        except Incomplete:
            return None  # numbers may begin like a pickle, and these are too many for one
        return found if found.rstrip(b"\0")[-1:] == b"." else None
    return _whole(file, dataset)


def _whole(file: Hdf5File, dataset: Dataset) -> bytes:
    found = bytearray()
    for used, chunk in _chunks(file, dataset):
        found += chunk[: used * dataset.type.size]
        if len(found) > _ROW:
            raise Incomplete("limit", f"an object of more than {_ROW:,} bytes")
    return bytes(found)


def _beginning(file: Hdf5File, dataset: Dataset) -> bytes:
    """The first bytes of a dataset, without reading more of it; b"" behind what is not followed."""
    if dataset.place is None:
        return b""
    if dataset.layout == CONTIGUOUS:
        return file.source.read_at(file.start + dataset.place, 2)
    if dataset.layout != CHUNKED or dataset.version > 3:
        return b""
    try:
        first = next(entries(file, dataset.place, kind=1, key=8 + 8 * len(dataset.chunk)), None)
    except Incomplete:
        return b""
    if first is None:
        return b""
    address, key = first
    data = file.source.read_at(file.start + address, min(_PEEK, int.from_bytes(key[:4], "little")))
    mask = int.from_bytes(key[4:8], "little")
    for place, used in reversed(list(enumerate(dataset.filters))):
        if mask >> place & 1 or used.number == _FLETCHER or (used.number == _SHUFFLE and dataset.type.size == 1):
            continue
        if used.number != _DEFLATE:
            return b""
        try:
            data = zlib.decompressobj().decompress(data, 2)
        except zlib.error:
            return b""
    return data


def _chunks(file: Hdf5File, dataset: Dataset) -> Iterator[tuple[int, bytes]]:
    """How many elements of a chunk belong to the dataset, and its bytes."""
    if dataset.place is None:
        return
    if dataset.layout == CONTIGUOUS:
        yield math.prod(dataset.shape), file.read(dataset.place, dataset.size)
        return
    if dataset.layout != CHUNKED or dataset.version > 3:
        raise Incomplete("unsupported", f"rows of objects in layout {dataset.layout} version {dataset.version}")
    # sizes of a chunk in elements, and of one element behind them
    size = math.prod(dataset.chunk)
    if size > _CHUNK:
        raise Incomplete("limit", f"chunks of {size:,} bytes")
    for address, key in entries(file, dataset.place, kind=1, key=8 + 8 * len(dataset.chunk)):
        packed, mask = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:8], "little")
        data = file.read(address, packed)
        for place, used in reversed(list(enumerate(dataset.filters))):
            if not mask >> place & 1:
                data = _undone(used.number, data, size, dataset.type.size)
        # a chunk at the edge has elements that are none; with several dimensions they stand between the others
        start = int.from_bytes(key[8:16], "little")
        yield max(0, dataset.shape[0] - start) if len(dataset.shape) == 1 else size, data


def _undone(number: int, data: bytes, size: int, element: int) -> bytes:
    if number == _FLETCHER:
        return data[:-4]
    if number == _SHUFFLE:
        whole = len(data) // element
        planes = [data[place * whole : (place + 1) * whole] for place in range(element)]
        return bytes(byte for item in zip(*planes, strict=True) for byte in item) + data[whole * element :]
    if number == _DEFLATE:
        try:
            return zlib.decompressobj().decompress(data, size + 4)
        except zlib.error as error:
            raise Incomplete("malformed", f"a chunk does not unpack: {error}") from None
    raise Incomplete("unsupported", f"rows of objects behind filter {number}")
