"""Lockfiles that are YAML, as plain tables: bounded, with lines, no objects and no recursion."""

from __future__ import annotations

from collections.abc import Iterator

from mlgate.errors import Incomplete
from mlgate.manifests._common import read_text
from mlgate.records import Artifact
from mlgate.yaml_events import Map, Node, Scalar, documents

_LARGEST = 16 << 20
_MOST = 2_000_000  # a lockfile of 10,000 packages has 300,000 events


def tables(artifact: Artifact) -> Iterator[Map]:
    """The documents of a YAML lockfile that are tables. Raises Incomplete (malformed, limit)."""
    for document in documents(read_text(artifact), largest=_LARGEST, most=_MOST):
        if not isinstance(document, Map):
            raise Incomplete("malformed", "a lockfile is a table")
        yield document


def fields(node: Node | None) -> dict[str, Node]:
    """The values of a table by key; nothing when it is none. Raises Incomplete on a merge key, which no tool writes."""
    if not isinstance(node, Map):
        return {}
    if node.merged:
        raise Incomplete("malformed", f"a merge key near line {node.line}")
    return dict(node.pairs)


def text(node: Node | None) -> str:
    """The value when it is a text."""
    return node.value if isinstance(node, Scalar) else ""


def texts(node: Node | None) -> dict[str, str]:
    """The values that are texts, by key."""
    return {key: value.value for key, value in fields(node).items() if isinstance(value, Scalar)}
