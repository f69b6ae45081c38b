"""Models in ONNX Runtime's flatbuffer."""

from __future__ import annotations

from typing import Any

from tests.builders.flatbuffers import Fields, Vector, flatbuffer


def tensor(name: str, *dimensions: int, kind: int = 1, raw: bytes | None = None) -> Fields:
    fields: dict[int, Any] = {0: name, 2: Vector("q", dimensions), 3: ("i", kind)}
    return fields | ({4: raw} if raw is not None else {})


def node(op: str, domain: str = "", *attributes: Fields) -> Fields:
    return {0: "n", 2: domain, 5: op, 10: list(attributes)}


def subgraph(inner: Fields) -> Fields:
    """An attribute that is a graph."""
    return {0: "body", 2: ("i", 5), 7: inner}


def subgraphs(*inner: Fields) -> Fields:
    return {0: "bodies", 2: ("i", 10), 12: list(inner)}


def held(inner: Fields) -> Fields:
    """An attribute that is a tensor."""
    return {0: "value", 2: ("i", 4), 6: inner}


def graph(*nodes: Fields, tensors: tuple[Fields, ...] = ()) -> Fields:
    return {0: list(tensors), 2: list(nodes), 5: ["x"], 6: ["y"]}


def session(inner: Fields, *, metadata: tuple[tuple[str, str], ...] = ()) -> bytes:
    model = {
        0: ("q", 8),
        1: [{0: "", 1: ("q", 17)}],
        2: "pytorch",
        3: "2.1",
        7: inner,
        9: [{0: key, 1: text} for key, text in metadata],
    }
    return flatbuffer({0: "5", 1: model}, b"ORTM")
