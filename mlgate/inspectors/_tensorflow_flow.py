"""Where the file names come from that a graph saves to, restores from and fills tables from.

Followed backwards from the operator through everything that only gives names on, out of functions to their callers
and into functions that are called, to constants of the model, to assets, or to what the caller gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.inspectors import _tensorflow_ops as ops
from mlgate.inspectors._tensorflow_graph import Graph
from mlgate.inspectors._tensorflow_nodes import Node, Scope

_STEPS = 2_000_000
_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reached:
    """An operator that reaches a file by a name from inside of the model, and why that is wrong."""

    op: str
    does: str
    node: str
    name: str
    reason: str


def escape(path: str) -> str:
    """Why a path does not stay in the model's folder, or "". Both separators count: the system is not known."""
    if _SCHEME.match(path):
        return "is a URL"
    if path[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", path):
        return "is an absolute path"
    if ".." in re.split(r"[/\\]", path):
        return "leaves the model's folder"
    if path[:1] == "~":
        return "is in somebody's home"
    if any(ord(char) < 32 for char in path):
        return "holds control characters"
    return ""


@dataclass(slots=True)
class Flow:
    """The traces of one file."""

    graph: Graph
    steps: int = 0
    callers: dict[Scope, list[tuple[Scope, Node]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for scope, nodes in self.graph.scopes.items():
            for node in nodes.values():
                for name in self._called(scope, node):
                    self.callers.setdefault((scope[0], name), []).append((scope, node))

    def reached(self) -> Iterator[Reached]:
        """Every file name that is none of the caller's and none of the model's own files."""
        for scope, nodes in self.graph.scopes.items():
            for name, node in nodes.items():
                if node.op in ops.SINKS:
                    inputs, does = ops.SINKS[node.op]
                    wanted = [node.inputs[index] for index in inputs if index < len(node.inputs)]
                    for path, reason in self._trace(scope, wanted, cache=node.op.startswith("CacheDataset")):
                        yield Reached(node.op, does, name[:150], path, reason)

    def _called(self, scope: Scope, node: Node) -> tuple[str, ...]:
        named = node.functions
        return (*named, node.op) if (scope[0], node.op) in self.graph.functions else named

    def _trace(self, scope: Scope, wanted: list[str], *, cache: bool) -> Iterator[tuple[str, str]]:
        pending = [(scope, reference, False) for reference in wanted]
        seen: set[tuple[Scope, str, bool]] = set()
        while pending:
            step = pending.pop()
            place, reference, tail = step
            base = reference.partition(":")[0].removeprefix("^")
            if (place, base, tail) in seen:
                continue
            seen.add((place, base, tail))
            self.steps += 1
            if self.steps > _STEPS:
                raise Incomplete("limit", "file names could not be followed to where they come from")
            node = self.graph.scopes.get(place, {}).get(base)
            if node is None:
                yield from self._argument(place, base, tail, pending)
            elif node.op == "Const":
                if not self._is_asset(place, base):
                    yield from _judge(node, tail=tail, cache=cache)
            elif node.op == "StringJoin":
                yield from self._join(place, node, tail, pending)
            elif node.op in ops.PASSING:
                pending += [(place, inner, tail) for inner in node.inputs]
            elif node.op in ops.CALLERS or node.op in ops.PLAIN:
                continue
            elif called := self._called(place, node):
                for name in called:
                    function = self.graph.functions.get((place[0], name))
                    pending += [((place[0], name), inner, tail) for inner in (function.returns if function else ())]
            else:
                yield "", f"is computed by {node.op[:60]} in the model"

    def _join(
        self, place: Scope, node: Node, tail: bool, pending: list[tuple[Scope, str, bool]]
    ) -> Iterator[tuple[str, str]]:
        """A joined name: only its first part can make it absolute; parts that are all constant are put together."""
        parts = [self._constant(place, inner) for inner in node.inputs]
        if node.inputs and all(part is not None for part in parts):
            joined = ["".join(part or "" for part in parts), "/".join(part or "" for part in parts)]
            for path in joined:
                reason = escape(path) if not tail else _tail(path)
                if reason:
                    yield path, reason
                    return
        first = next((n for n, part in enumerate(parts) if part != ""), 0)
        pending += [(place, inner, tail or n > first) for n, inner in enumerate(node.inputs)]

    def _constant(self, place: Scope, reference: str) -> str | None:
        nodes = self.graph.scopes.get(place, {})
        for _ in range(20):
            node = nodes.get(reference.partition(":")[0])
            if node is None or (node.op == "Const" and len(node.strings) != 1):
                return None
            if node.op == "Const":
                return node.strings[0]
            if node.op != "Identity" or not node.inputs:
                return None
            reference = node.inputs[0]
        return None

    def _is_asset(self, place: Scope, base: str) -> bool:
        return place[1] == "" and any(base == tensor for tensor, _ in self.graph.assets)

    def _argument(
        self, place: Scope, base: str, tail: bool, pending: list[tuple[Scope, str, bool]]
    ) -> Iterator[tuple[str, str]]:
        """What callers give for an argument of a function, and what the object graph binds to it."""
        function = self.graph.functions.get(place)
        if function is None or base not in function.arguments:
            yield "", "is computed in the model"
            return
        index = function.arguments.index(base)
        for scope, node in self.callers.get(place, []):
            if node.op in ops.CALLS or node.op == place[1]:
                pending += [(scope, inner, tail) for inner in node.inputs[index : index + 1]]
            elif node.op in ops.BRANCHES:
                start = ops.BRANCHES[node.op] + index
                pending += [(scope, inner, tail) for inner in node.inputs[start : start + 1]]
                if "While" in node.op:
                    pending += [(place, inner, tail) for inner in function.returns[index : index + 1]]
            else:
                # which argument is which is the operator's own business; values without a trace are no names
                nodes = self.graph.scopes.get(scope, {})
                pending += [(scope, inner, tail) for inner in node.inputs if inner.partition(":")[0] in nodes]
            if node.cut and index >= 1000:
                yield "", "comes after more arguments than were looked at"
        bound = self.graph.bound.get(place[1], [])
        number = index - (len(function.arguments) - len(bound))
        if 0 <= number < len(bound) and 0 <= bound[number] < len(self.graph.objects):
            kind, value = self.graph.objects[bound[number]]
            if kind == "constant":
                pending.append(((place[0], ""), value, tail))


def _judge(node: Node, *, tail: bool, cache: bool) -> Iterator[tuple[str, str]]:
    for path in node.strings:
        reason = _tail(path) if tail else escape(path)
        if cache and path and not reason:
            reason = "is where the data is kept"
        if reason:
            yield path, reason
    if node.cut:
        yield "", "is one of more names than were looked at"


def _tail(path: str) -> str:
    """Why the later part of a name leads away: it can be absolute only when nothing stands before it."""
    if "://" in path:
        return "is a URL"
    return "leaves the model's folder" if ".." in re.split(r"[/\\]", path) else ""
