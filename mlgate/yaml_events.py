"""YAML as a tree with line numbers, built from the parser's events: no recursion, no objects, no copies of aliases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from mlgate.errors import Incomplete

LARGEST = 1 << 20
_DEEPEST = 200
_MOST = 200_000
_MERGES = 20  # mappings that one look-up goes through
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, eq=False)
class Scalar:
    """`line` is where it begins, `first` where its text does; `start` and `end` are offsets in the file."""

    value: str
    line: int
    style: str
    start: int
    end: int

    @property
    def first(self) -> int:
        return self.line + (self.style in {"|", ">"})

    def script(self, text: str) -> str:
        """The value as a script whose lines are the file's: folded lines are continued ones."""
        if self.style == "|":
            return self.value
        raw = text[self.start : self.end]
        if "\n" not in raw or self.style in {'"', "'"}:
            return self.value
        lines = raw.split("\n")[1 if self.style == ">" else 0 :]
        return "\n".join(f"{line.rstrip()} \\" if line.strip() else "" for line in lines).rstrip("\\\n ")


@dataclass(slots=True, eq=False)
class Sequence:
    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Map:
    """`pairs` are those with a text as their key, in the file's order."""

    line: int
    pairs: list[tuple[str, Node]] = field(default_factory=list)
    merged: list[Node] = field(default_factory=list)


Node = Scalar | Sequence | Map


def scalar(node: Node | None) -> Scalar | None:
    """The node when it is a text."""
    return node if isinstance(node, Scalar) else None


def get(node: Node | None, key: str) -> Node | None:
    """The value under a key, also of a mapping that is merged in (`<<`)."""
    pending = [node] if isinstance(node, Map) else []
    for _ in range(_MERGES):
        if not pending:
            return None
        each = pending.pop()
        for name, value in each.pairs:
            if name == key:
                return value
        for merged in reversed(each.merged):
            several = merged.items if isinstance(merged, Sequence) else [merged]
            pending.extend(m for m in reversed(several) if isinstance(m, Map))
    return None


def documents(text: str, *, largest: int = LARGEST, most: int = _MOST) -> Iterator[Node]:
    """The documents of a file, each when it has been read. Raises Incomplete (malformed, limit).

    `largest` is in characters, `most` in values.
    """
    if len(text) > largest:
        raise Incomplete("limit", f"{len(text):,} characters of YAML")
    building = _Building()
    try:
        for number, event in enumerate(yaml.parse(text, _LOADER)):
            if number > most:
                raise Incomplete("limit", "too many values in one YAML file")
            building.take(event)
            if isinstance(event, yaml.DocumentEndEvent) and building.root is not None:
                yield building.root
                building = _Building()
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())[:100]
        raise Incomplete("malformed", f"not YAML: {told}") from None


class _Building:
    """One document that is being read."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.anchors: dict[str, Node] = {}
        self.open: list[Sequence | Map] = []
        self.keys: list[str | None] = []

    def take(self, event: yaml.Event) -> None:
        mark, end = event.start_mark, event.end_mark
        if mark is None or end is None:  # both parsers set them
            return
        node: Node | None = None
        anchor: str | None = None
        if isinstance(event, yaml.ScalarEvent):
            node, anchor = Scalar(event.value, mark.line + 1, event.style or "", mark.index, end.index), event.anchor
        elif isinstance(event, yaml.AliasEvent):
            self.put(self.anchors.get(event.anchor or "") or Scalar("", mark.line + 1, "", 0, 0))
        elif isinstance(event, yaml.SequenceStartEvent):
            node, anchor = Sequence(mark.line + 1), event.anchor
        elif isinstance(event, yaml.MappingStartEvent):
            node, anchor = Map(mark.line + 1), event.anchor
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self.open.pop()
            self.keys.pop()
        if node is None:
            return
        if anchor:
            self.anchors[anchor] = node
        self.put(node)
        if not isinstance(node, Scalar):
            if len(self.open) >= _DEEPEST:
                raise Incomplete("limit", "YAML that is nested too deep")
            self.open.append(node)
            self.keys.append(None)

    def put(self, node: Node) -> None:
        """The node where it belongs: as the document, an item, a key or a value."""
        if not self.open:
            self.root = node
            return
        parent, key = self.open[-1], self.keys[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif key is None:
            self.keys[-1] = node.value if isinstance(node, Scalar) else ""
        else:
            self.keys[-1] = None
            if key == "<<":
                parent.merged.append(node)
            else:
                parent.pairs.append((key, node))
