"""safetensors files, sound and not."""

from __future__ import annotations

import json
from typing import Any

_BYTES = {"F32": 4, "F16": 2, "U8": 1, "I64": 8}


def pack(header: str | bytes, data: bytes = b"") -> bytes:
    """Any header text before any data."""
    raw = header.encode() if isinstance(header, str) else header
    return len(raw).to_bytes(8, "little") + raw + data


def safetensors(shapes: dict[str, tuple[str, list[int]]], metadata: dict[str, str] | None = None) -> bytes:
    """A file as the library writes it: tensors one after another, data of zeros."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata is not None else {}
    at = 0
    for name, (dtype, shape) in shapes.items():
        size = _BYTES[dtype]
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":"))
    return pack(text + " " * (-len(text) % 8), bytes(at))


def entry(begin: int, end: int, shape: str = "[2]", dtype: str = "F16") -> str:
    """The text of one tensor's entry."""
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'
