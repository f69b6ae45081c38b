"""Caffe's networks: the binary form from wire-format pieces, the text form as text."""

from __future__ import annotations

from tests.builders.onnx import block, number, varint


def blob(*shape: int, count: int | None = None) -> bytes:
    size = 1
    for n in shape:
        size *= n
    return block(7, block(1, b"".join(map(varint, shape)))) + block(5, bytes(4 * (size if count is None else count)))


def old_blob(n: int, c: int, h: int, w: int, count: int) -> bytes:
    return number(1, n) + number(2, c) + number(3, h) + number(4, w) + block(5, bytes(4 * count))


def layer(kind: str, *parts: bytes, blobs: tuple[bytes, ...] = ()) -> bytes:
    return block(1, "l") + block(2, kind) + b"".join(block(7, one) for one in blobs) + b"".join(parts)


def python(module: str, name: str) -> bytes:
    """The parameters of a Python layer."""
    return block(130, block(1, module) + block(2, name))


def source(path: str, field: int = 107) -> bytes:
    return block(field, block(1, path))


def saving(folder: str) -> bytes:
    """SSD's detection layer with a folder to save to."""
    return block(204, number(1, 21) + block(5, block(1, folder)))


def net(*layers: bytes, old: tuple[bytes, ...] = ()) -> bytes:
    out = block(1, "birds") + b"".join(block(2, one) for one in old)
    return out + b"".join(block(100, one) for one in layers)


def old_layer(kind: int, *parts: bytes, blobs: tuple[bytes, ...] = ()) -> bytes:
    """A layer of version 1."""
    return block(4, "l") + number(5, kind) + b"".join(block(6, one) for one in blobs) + b"".join(parts)


PROTOTXT = """name: "birds"  # a network
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape: {{ dim: 1 dim: 3 }} }} }}
layer {{
  name: "one" type: "{kind}"
  {parts}
}}
"""


def prototxt(kind: str = "ReLU", parts: str = "") -> bytes:
    return PROTOTXT.format(kind=kind, parts=parts).encode()
