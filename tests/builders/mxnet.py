"""MXNet's graphs in JSON and lists of arrays in all versions."""

from __future__ import annotations

import json
import struct
from typing import Any

V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA


def node(op: str, key: str = "attrs", *, subgraphs: Any = None, **attributes: str) -> dict[str, Any]:
    out: dict[str, Any] = {"op": op, "name": f"n_{op}", key: attributes, "inputs": []}
    return out | ({"subgraphs": subgraphs} if subgraphs is not None else {})


def graph(*nodes: dict[str, Any]) -> dict[str, Any]:
    variables: list[dict[str, Any]] = [{"op": "null", "name": name, "inputs": []} for name in ("data", "weight")]
    told = {"mxnet_version": ["int", 10901]}
    return {"nodes": [*variables, *nodes], "arg_nodes": [0, 1], "heads": [[2, 0, 0]], "attrs": told}


def symbol(*nodes: dict[str, Any]) -> bytes:
    return json.dumps(graph(*nodes), indent=2).encode()


def shape(*dimensions: int, wide: bool = True) -> bytes:
    return struct.pack(f"<i{len(dimensions)}{'q' if wide else 'I'}", len(dimensions), *dimensions)


def array(*dimensions: int, magic: int = V2, kind: int = 0, width: int = 4) -> bytes:
    """A dense array of zeros."""
    size = width
    for n in dimensions:
        size *= n
    out = struct.pack("<I", magic) + (struct.pack("<i", 0) if magic != V1 else b"")
    return out + shape(*dimensions) + struct.pack("<iii", 1, 0, kind) + bytes(size)


def oldest(*dimensions: int) -> bytes:
    """An array from before there were versions: its number of dimensions comes first."""
    size = 4
    for n in dimensions:
        size *= n
    return shape(*dimensions, wide=False) + struct.pack("<iii", 1, 0, 0) + bytes(size)


def rows(stored: int, whole: int, width: int) -> bytes:
    """A sparse array of which `stored` of `whole` rows are there."""
    out = struct.pack("<Ii", V2, 1) + shape(stored, width) + shape(whole, width) + struct.pack("<iii", 1, 0, 0)
    return out + struct.pack("<i", 6) + shape(stored) + bytes(4 * stored * width) + bytes(8 * stored)


def empty() -> bytes:
    return struct.pack("<Ii", V2, 0) + shape()


def params(*arrays: bytes, names: tuple[str, ...] | None = None, count: int | None = None) -> bytes:
    names = tuple(f"arg:w{i}" for i in range(len(arrays))) if names is None else names
    out = struct.pack("<QQQ", 0x112, 0, len(arrays) if count is None else count) + b"".join(arrays)
    out += struct.pack("<Q", len(names))
    return out + b"".join(struct.pack("<Q", len(name)) + name.encode() for name in names)
