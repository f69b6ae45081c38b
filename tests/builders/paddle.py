"""PaddlePaddle's programs in both forms, and its streams of tensors."""

from __future__ import annotations

import json
import struct
from typing import Any

from tests.builders.onnx import block, number, varint


def attribute(name: str, text: str) -> bytes:
    return block(1, name) + number(2, 2) + block(5, text)


def operator(kind: str, *attributes: bytes, takes: str = "a", gives: str = "b") -> bytes:
    out = block(1, block(1, "X") + block(2, takes)) + block(2, block(1, "Out") + block(2, gives)) + block(3, kind)
    return out + b"".join(block(4, one) for one in attributes)


def variable(name: str, shape: tuple[int, ...], kind: int = 5, *, kept: bool = True) -> bytes:
    tensor = number(1, kind) + b"".join(number(2, n) for n in shape)
    return block(1, name) + block(2, number(1, 7) + block(3, block(1, tensor))) + number(3, int(kept))


def piece(index: int, *operators: bytes, variables: tuple[bytes, ...] = ()) -> bytes:
    """A block."""
    out = number(1, index) + number(2, index - 1) + b"".join(block(3, one) for one in variables)
    return out + b"".join(block(4, one) for one in operators)


def program(*blocks: bytes) -> bytes:
    return b"".join(block(1, one) for one in blocks) + block(4, number(1, 2004001))


def pir_operator(kind: str, *, regions: Any = None, **texts: str) -> dict[str, Any]:
    out: dict[str, Any] = {"#": kind, "A": [{"N": key, "AT": {"#": "0.a_str", "D": v}} for key, v in texts.items()]}
    return out | ({"regions": regions} if regions is not None else {})


def pir_parameter(*shape: int) -> dict[str, Any]:
    return {
        "#": "p",
        "A": [0, 0],
        "O": {"%": 1, "TT": {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, list(shape), "NCHW"]}},
    }


def region(*operators: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"#": "region_0", "blocks": [{"#": "block_0", "args": [], "ops": list(operators)}]}]


def pir(*operators: dict[str, Any]) -> bytes:
    base = {"magic": "pir", "trainable": False, "version": 1}
    return json.dumps({"base_code": base, "program": {"regions": region(*operators)}}).encode()


def tensor(*shape: int, kind: int = 5, width: int = 4, levels: tuple[bytes, ...] = (), packed: bool = False) -> bytes:
    """A tensor of zeros."""
    dimensions = block(2, b"".join(map(varint, shape))) if packed else b"".join(number(2, n) for n in shape)
    description = number(1, kind) + dimensions
    lod = b"".join(struct.pack("<Q", len(level)) + level for level in levels)
    out = struct.pack("<IQ", 0, len(levels)) + lod + struct.pack("<Ii", 0, len(description)) + description
    size = width
    for n in shape:
        size *= n
    return out + bytes(size)
