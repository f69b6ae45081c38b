"""ONNX models from wire-format pieces (no onnx package): sound ones, and ones that reach out."""

from __future__ import annotations


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def entry(key: str, value: str) -> bytes:
    """A StringStringEntryProto's content."""
    return block(1, key) + block(2, value)


def tensor(name: str, shape: list[int], kind: int = 1, raw: bytes | None = None, *locations: str) -> bytes:
    """A TensorProto; with locations its data is external."""
    out = block(1, b"".join(map(varint, shape))) + number(2, kind) + block(8, name)
    if raw is not None:
        out += block(9, raw)
    for location in locations:
        out += block(13, entry("location", location))
    return out + (number(14, 1) if locations else b"")


def value(name: str, kind: int, *shape: int | str) -> bytes:
    """A ValueInfoProto of a tensor."""
    dimensions = b"".join(block(1, number(1, d) if isinstance(d, int) else block(2, d)) for d in shape)
    return block(1, name) + block(2, block(1, number(1, kind) + block(2, dimensions)))


def node(op: str, domain: str = "", *attributes: bytes) -> bytes:
    """A NodeProto."""
    out = block(1, "x") + block(2, "y") + block(4, op)
    out += b"".join(block(5, attribute) for attribute in attributes)
    return out + (block(7, domain) if domain else b"")


def subgraph(inner: bytes) -> bytes:
    """An AttributeProto that holds a graph."""
    return block(1, "body") + block(6, inner) + number(20, 5)


def graph(*nodes: bytes, tensors: tuple[bytes, ...] = ()) -> bytes:
    """A GraphProto with one input and one output."""
    out = b"".join(block(1, n) for n in nodes) + block(2, "main") + b"".join(block(5, t) for t in tensors)
    return out + block(11, value("x", 1, "batch", 3)) + block(12, value("y", 7))


def model(inner: bytes, *more: bytes) -> bytes:
    """A ModelProto of IR version 8 and opset 17."""
    return (
        number(1, 8) + block(2, "builder") + block(7, inner) + block(8, block(1, "") + number(2, 17)) + b"".join(more)
    )


def function(domain: str, name: str, *nodes: bytes) -> bytes:
    """A FunctionProto as the model's field."""
    return block(25, block(1, name) + b"".join(block(7, n) for n in nodes) + block(10, domain))


def wide(field: int, data: bytes) -> bytes:
    """A block whose tag has bits above the 32nd: Google's parser for C++ drops them and sees the field."""
    return bytes([field << 3 | 2 | 0x80, 0x80, 0x80, 0x80, 0x10]) + varint(len(data)) + data
