"""Universal Binary JSON as XGBoost writes it."""

from __future__ import annotations

import struct
from typing import Any


def length(value: int) -> bytes:
    return b"L" + struct.pack(">q", value)


def value(item: Any) -> bytes:
    if isinstance(item, bool) or item is None:
        return {True: b"T", False: b"F", None: b"Z"}[item]
    if isinstance(item, int):
        return b"l" + struct.pack(">i", item)
    if isinstance(item, float):
        return b"d" + struct.pack(">f", item)
    if isinstance(item, str):
        return b"S" + length(len(item.encode())) + item.encode()
    if isinstance(item, bytes):  # a typed array of bytes
        return b"[$U#" + length(len(item)) + item
    if isinstance(item, list):
        return b"[" + b"".join(map(value, item)) + b"]"
    return b"{" + b"".join(length(len(k.encode())) + k.encode() + value(v) for k, v in item.items()) + b"}"


def model(**attributes: str) -> bytes:
    learner = {
        "attributes": attributes,
        "gradient_booster": {"name": "gbtree", "model": {"trees": [{"base_weights": b"\0" * 8, "id": 0}]}},
        "objective": {"name": "binary:logistic"},
    }
    return value({"learner": learner, "version": [3, 2, 0]})
