"""TensorFlow checkpoints: LevelDB tables with the entries of a bundle, sound and not."""

from __future__ import annotations

from collections.abc import Sequence

from tests.builders.onnx import block, number, varint

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
Entries = Sequence[tuple[bytes, bytes]]


def data_block(entries: Entries, *, restart: int = 16) -> bytes:
    """A block with shared prefixes and restarts."""
    out, before, restarts = b"", b"", []
    for index, (key, value) in enumerate(entries):
        shared = 0
        if index % restart == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return out + b"".join(at.to_bytes(4, "little") for at in [*restarts, len(restarts)])


def literals(data: bytes) -> bytes:
    """Snappy that copies nothing but the last repeated bytes of its input."""
    out = varint(len(data))
    for at in range(0, len(data), 60):
        piece = data[at : at + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out


def table(entries: Entries, *, size: int = 8, compress: bool = False, method: int | None = None) -> bytes:
    """A table with `size` entries in a block."""
    out, handles = b"", []
    for at in range(0, len(entries), size):
        part = entries[at : at + size]
        raw = data_block(part)
        stored = literals(raw) if compress else raw
        handles.append((part[-1][0] + b"\x00", varint(len(out)) + varint(len(stored))))
        out += stored + bytes([int(compress) if method is None else method]) + bytes(4)
    meta, index = data_block([]), data_block(handles, restart=1)
    places = varint(len(out)) + varint(len(meta))
    out += meta + bytes(5)
    places += varint(len(out)) + varint(len(index))
    out += index + bytes(5)
    return out + places.ljust(40, b"\0") + MAGIC


def header(shards: int = 1) -> bytes:
    """A BundleHeaderProto."""
    return number(1, shards) + block(3, number(1, 1))


def entry(shape: Sequence[int], offset: int, size: int, *, kind: int = 1, shard: int = 0) -> bytes:
    """A BundleEntryProto; kind 1 is float32."""
    dims = b"".join(block(2, number(1, n)) for n in shape)
    out = number(1, kind) + block(2, dims)
    return out + number(3, shard) + number(4, offset) + number(5, size) + b"\x35" + bytes(4)


def index(*tensors: tuple[str, bytes], shards: int = 1, compress: bool = False) -> bytes:
    """An index file."""
    return table([(b"", header(shards)), *((key.encode(), value) for key, value in tensors)], compress=compress)


def version1(*names: str) -> bytes:
    """A version 1 checkpoint of one float32 tensor of 2 by 3 for each name."""
    shape = block(2, number(1, 2)) + block(2, number(1, 3))
    meta = b"".join(block(1, block(1, name) + block(2, shape) + number(3, 1)) for name in names)
    slices = [(b"\x00" + name.encode(), block(2, block(1, name))) for name in sorted(names)]
    return table([(b"", block(1, meta)), *slices], compress=True)
