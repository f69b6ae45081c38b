"""MessagePack, as msgpack-python writes it, and spaCy's and Thinc's files in it."""

from __future__ import annotations

import struct
from typing import Any


def pack(value: Any) -> bytes:
    """MessagePack as msgpack-python writes it, with extensions as (type, data)."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value)]) + value.encode()
    if isinstance(value, int):
        return bytes([value]) if value < 128 else b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, Extension):
        return b"\xc9" + struct.pack(">Ib", len(value.data), value.kind) + value.data
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    return bytes([0x90 | len(value)]) + b"".join(map(pack, value))


class Extension:
    def __init__(self, kind: int, data: bytes) -> None:
        self.kind, self.data = kind, data


def thinc(*shims: bytes) -> bytes:
    """A Thinc model with one node and its shims, in the order of thinc/model.py (to_bytes)."""
    weights = {"nd": True, "type": "<f4", "kind": b"", "shape": [2, 2], "data": b"\0" * 16}
    node = {"index": 0, "name": "layer", "dims": {"nO": 2}, "refs": {}}
    return pack({"nodes": [node], "attrs": [{}], "params": [{"W": weights}], "shims": [list(shims)]})


def transformer(state: bytes, tokenizer: dict[str, Any] | None = None) -> bytes:
    """What spacy-transformers keeps of a Hugging Face model in a shim: hf_shim.py (to_bytes)."""
    files = {"kwargs": {"use_fast": True}, "vocab.txt": b"a\nb\n"} if tokenizer is None else tokenizer
    return pack({"config": {"model_type": "bert"}, "state": state, "tokenizer": files, "_init_tokenizer_config": {}})
