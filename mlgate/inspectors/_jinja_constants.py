"""The texts that expressions of a template can stand for, folded without Jinja2's help.

Jinja2's own constant folding calls filters and operators on what the template says; this one joins strings up to a
length and knows nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

from mlgate.errors import Incomplete
from mlgate.inspectors._jinja_closed import Closed

if TYPE_CHECKING:
    from jinja2 import nodes

_LONGEST = 20_000
_VALUES = 256  # of one name or expression
_ITEMS = 32  # of a list, when one of them is taken
_DEPTH = 100
_STEPS = 1_000_000


@dataclass(slots=True)
class _Progress:
    """`lost` is set whenever something was not followed to its end, and stays set when the steps are used up."""

    steps: int = _STEPS
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Constants:
    """Texts by name of the variables that the template sets, wherever it sets them; `ns.a` for namespaces."""

    names: dict[str, tuple[str, ...]]
    cut: set[str]
    progress: _Progress
    closed: Closed

    @classmethod
    def of(cls, everything: Iterable[nodes.Node]) -> Constants:
        """Reads all assignments of a template. Order and branches are not looked at: a name has all its texts."""
        from jinja2 import nodes  # noqa: PLC0415

        once: dict[str, nodes.Node] = {}
        made = cls({}, set(), _Progress(), Closed(once))
        assignments: list[tuple[str, nodes.Node]] = []
        for node in everything:
            if isinstance(node, nodes.Assign):
                assignments += _targets(node)
            elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "namespace":
                assignments += [(f".{pair.key}", pair.value) for pair in node.kwargs]
            elif isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
                assignments += [(node.target.name, item) for item in _items(node.iter) if item is not node.iter]
            elif isinstance(node, nodes.AssignBlock) and isinstance(node.target, nodes.Name):
                assignments.append((node.target.name, _body(node)))
            elif isinstance(node, nodes.Macro):
                assignments.append((f"{node.name}()", _body(node)))
            elif isinstance(node, nodes.Call) and (name := _grown(node)):
                assignments += [(name, item) for item in node.args]
        counted = Counter(name for name, _ in assignments)
        once.update((name, value) for name, value in assignments if counted[name] == 1)
        for _ in range(3):  # a name set from a name set from a name
            for name, value in assignments:
                made.progress.lost = False
                known = made.names.get(name, ())
                made.names[name] = made._distinct((*known, *made.values(value)))
                if made.progress.lost:
                    made.cut.add(name)
        return made

    def key(self, node: nodes.Node) -> tuple[str, ...]:
        """`values`, for a place where one that is missed matters. Raises Incomplete when one may be."""
        self.progress.lost = False
        found = self.values(node)
        if self.progress.lost or self.closed.lost:
            raise Incomplete("limit", "the template computes an attribute's name from more texts than can be followed")
        return found

    def _named(self, name: str) -> tuple[str, ...]:
        self.progress.lost |= name in self.cut
        return self.names.get(name, ())

    def _distinct(self, values: Iterable[str]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(values))
        self.progress.lost |= len(found) > _VALUES
        return found[:_VALUES]

    def values(self, node: nodes.Node, depth: int = 0) -> tuple[str, ...]:
        """What this expression can be as text; empty when it is not known."""
        from jinja2 import nodes  # noqa: PLC0415

        self.progress.steps -= 1
        if depth > _DEPTH or self.progress.steps < 0:
            self.progress.lost = True
            return ()
        if isinstance(node, nodes.TemplateData):
            return (node.data[:_LONGEST],)
        if isinstance(node, nodes.Const):
            return (node.value[:_LONGEST],) if isinstance(node.value, str) else ()
        if isinstance(node, nodes.Name):
            return self._named(node.name)
        if isinstance(node, nodes.Getattr):
            return self._named(f".{node.attr}")
        if isinstance(node, nodes.Concat):
            return self._joined(node.nodes, "", depth)
        if isinstance(node, nodes.CondExpr):
            sides = [side for side in (node.expr1, node.expr2) if side is not None]
            return self._distinct(value for side in sides for value in self.values(side, depth + 1))
        if isinstance(node, nodes.Getitem):
            return self._sliced(node, depth) or self._closed(node) or self._member(node, depth)
        if isinstance(node, (nodes.List, nodes.Tuple)):  # any of its items, for who takes one of them
            return tuple(dict.fromkeys(v for item in node.items[:_ITEMS] for v in self.values(item, depth + 1)))[
                :_ITEMS
            ]
        if isinstance(node, nodes.Filter) and node.node is not None:
            others = self._method(node.name, node.node, node.args, depth, filtered=True)
            return self._distinct((*self._closed(node), *others))
        return self._distinct((*self._closed(node), *self._operator(node, depth)))

    def _closed(self, node: nodes.Node) -> tuple[str, ...]:
        text = self.closed.text(node)
        return () if text is None else (text,)

    def _member(self, node: nodes.Getitem, depth: int) -> tuple[str, ...]:
        """One item of a list by its place: any of them. A text by a place is not followed."""
        from jinja2 import nodes  # noqa: PLC0415

        by_place = _number(node.arg) is not None
        return self.values(node.node, depth + 1) if by_place and isinstance(node.node, nodes.Name) else ()

    def _operator(self, node: nodes.Node, depth: int) -> tuple[str, ...]:
        from jinja2 import nodes  # noqa: PLC0415

        if isinstance(node, nodes.Add):
            return self._joined(_terms(node), "", depth)
        if isinstance(node, nodes.Mul):
            times = _number(node.right) or 0
            return tuple(text * times for text in self.values(node.left, depth + 1)) if 0 < times <= 64 else ()
        if isinstance(node, nodes.Mod):
            return self._formatted(node.left, _items(node.right), depth)
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            return self._named(f"{node.node.name}()")
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            return self._method(node.node.attr, node.node.node, node.args, depth, filtered=False)
        return ()

    def _joined(self, parts: list[nodes.Expr], glue: str, depth: int) -> tuple[str, ...]:
        options = [self.values(part, depth + 1) for part in parts]
        return self._distinct(glue.join(choice)[:_LONGEST] for choice in islice(product(*options), _VALUES + 1))

    def _formatted(self, template: nodes.Expr, arguments: list[nodes.Expr], depth: int) -> tuple[str, ...]:
        """`"%s%c" % (a, 95)`, `"%s"|format(a)` and `"{}{}".format(a, b)`: placeholders filled one after another."""
        found = []
        for text in self.values(template, depth + 1):
            filled = text
            for part in arguments:
                number = _number(part)
                mark = min((m for m in ("%s", "%c", "%d", "{}") if m in filled), key=filled.find, default="")
                values = self.values(part, depth + 1) if number is None else (_character(mark, number),)
                if not values or not mark:
                    break
                filled = filled.replace(mark, values[0], 1)[:_LONGEST]
            found.append(filled)
        return tuple(found)

    def _sliced(self, node: nodes.Getitem, depth: int) -> tuple[str, ...]:
        from jinja2 import nodes  # noqa: PLC0415

        if not isinstance(node.arg, nodes.Slice):
            return ()
        bounds = [_number(bound) for bound in (node.arg.start, node.arg.stop, node.arg.step)]
        if bounds[2] == 0:
            return ()
        return tuple(text[slice(*bounds)] for text in self.values(node.node, depth + 1))

    def _method(
        self, name: str, target: nodes.Expr, arguments: list[nodes.Expr], depth: int, *, filtered: bool
    ) -> tuple[str, ...]:
        """Filters and methods of text that can put a word together."""
        if name == "join":
            parts, glue = (
                (_items(target), arguments) if filtered else (_items(arguments[0]) if arguments else [], [target])
            )
            between = self.values(glue[0], depth + 1) if glue else ("",)
            return self._joined(parts, between[0], depth) if parts and between else ()
        if name == "format":
            return self._formatted(target, arguments, depth)
        values = self.values(target, depth + 1)
        if name in {"lower", "upper", "trim", "strip", "string", "safe", "e", "escape", "reverse"}:
            return tuple(_plain(name, value) for value in values)
        if name == "replace" and len(arguments) >= 2:
            old, new = (self.values(argument, depth + 1) for argument in arguments[:2])
            if old and new and old[0]:
                return tuple(value.replace(old[0], new[0])[:_LONGEST] for value in values)
        return ()


def _plain(name: str, value: str) -> str:
    changes = {"lower": value.lower, "upper": value.upper, "trim": value.strip, "strip": value.strip}
    return value[::-1] if name == "reverse" else changes[name]() if name in changes else value


def _terms(node: nodes.Add) -> list[nodes.Expr]:
    """The parts of `a + b + c`, which nests to the left as deep as it is long."""
    from jinja2 import nodes  # noqa: PLC0415

    parts = [node.right]
    left = node.left
    while isinstance(left, nodes.Add):
        parts.append(left.right)
        left = left.left
    return [left, *reversed(parts)]


def _body(node: nodes.Node, depth: int = 0) -> nodes.Expr:
    """What a block prints, as one sum; both sides of its conditions, one after the other."""
    from jinja2 import nodes  # noqa: PLC0415

    parts: list[nodes.Expr] = []
    for child in getattr(node, "body", ()) if depth < _DEPTH else ():
        if isinstance(child, nodes.FilterBlock):
            parts.append(_filtered(child.filter, _body(child, depth + 1)))
            continue
        for output in ([child] if isinstance(child, nodes.Output) else []) + list(child.find_all(nodes.Output)):
            parts += output.nodes
    inner = nodes.Concat(parts)
    return _filtered(node.filter, inner) if isinstance(node, nodes.AssignBlock) and node.filter else inner


def _filtered(chain: nodes.Filter, inner: nodes.Expr) -> nodes.Expr:
    """The chain of a block's filters, applied to what the block prints."""
    from jinja2 import nodes  # noqa: PLC0415

    steps = []
    step: nodes.Expr | None = chain
    while isinstance(step, nodes.Filter):
        steps.append(step)
        step = step.node
    for one in reversed(steps):
        inner = nodes.Filter(inner, one.name, one.args, one.kwargs, one.dyn_args, one.dyn_kwargs)
    return inner


def _grown(node: nodes.Call) -> str:
    """The variable whose list a call adds to."""
    from jinja2 import nodes  # noqa: PLC0415

    method = node.node
    if isinstance(method, nodes.Getattr) and method.attr in ("append", "insert", "extend"):
        return method.node.name if isinstance(method.node, nodes.Name) else ""
    return ""


def _items(node: nodes.Node) -> list[nodes.Expr]:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node, (nodes.List, nodes.Tuple)):
        return node.items
    if isinstance(node, nodes.Dict):  # iterates as its keys
        return [pair.key for pair in node.items]
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "dict":
        return [nodes.Const(pair.key) for pair in node.kwargs]
    return [node] if isinstance(node, nodes.Expr) else []


def _character(mark: str, number: int) -> str:
    return chr(number) if mark == "%c" and 0 < number < 0xD800 else str(number)


def _number(node: nodes.Expr | None) -> int | None:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node, nodes.Neg):
        inner = _number(node.node)
        return None if inner is None else -inner
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, int) else None


def _targets(node: nodes.Assign) -> list[tuple[str, nodes.Node]]:
    from jinja2 import nodes  # noqa: PLC0415

    if isinstance(node.target, nodes.Name):
        return [(node.target.name, node.node)]
    if isinstance(node.target, nodes.NSRef):
        return [(f".{node.target.attr}", node.node)]
    if isinstance(node.target, nodes.Tuple) and isinstance(node.node, nodes.Tuple):
        pairs = zip(node.target.items, node.node.items, strict=False)
        return [(name.name, value) for name, value in pairs if isinstance(name, nodes.Name)]
    return []
