"""Tables of requirements that a setup.py picks from by name, as Hugging Face's libraries do: `deps["numpy"]`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,100}[A-Za-z0-9])?")
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[\w, .-]*\])?\s*(?:[=<>!~;@].*)?")
_LEAST = 5  # a shorter list is no table


def pins(nodes: Iterable[ast.AST]) -> dict[str, list[tuple[str, int]]]:
    """The requirements, with their lines, in the module's longer lists of nothing else, by normalised name."""
    found: dict[str, list[tuple[str, int]]] = {}
    for node in nodes:
        if not isinstance(node, ast.List) or len(node.elts) < _LEAST:
            continue
        texts = [(e.value, e.lineno) for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
        matches = [_REQUIREMENT.fullmatch(text) for text, _ in texts]
        if len(texts) == len(node.elts) and all(matches):
            for match, place in zip(matches, texts, strict=True):
                if match:
                    found.setdefault(canonicalize_name(match[1]), []).append(place)
    return found


def picked(nodes: Iterable[ast.AST], table: dict[str, list[tuple[str, int]]]) -> Iterator[tuple[str, int]]:
    """The requirements that computed expressions name by a constant."""
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and _NAME.fullmatch(inner.value):
                yield from table.get(canonicalize_name(inner.value), ())
