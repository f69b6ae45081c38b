"""The value of a template's expression that depends on nothing but the template: texts, numbers, lists of them.

An interpreter of its own for a few operators, filters and methods whose results have bounded sizes; nothing of the
template is called. Texts are put together in more ways than `_jinja_constants` follows as alternatives; here each name
has to have one value.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes

_LONGEST = 20_000
_DEPTH = 40
_STEPS = 500_000
_PERCENT = re.compile(r"%(?:\((\w+)\))?([scd%])")
_TEXT_TO_TEXT = frozenset(
    {"lower", "upper", "title", "capitalize", "swapcase", "casefold", "strip", "lstrip", "rstrip", "removeprefix"}
    | {"removesuffix", "partition", "rpartition", "split", "rsplit", "splitlines"}
)
_PADDING = frozenset({"center", "ljust", "rjust", "zfill"})
_FILTERS = {"trim": "strip", "lower": "lower", "upper": "upper", "title": "title", "capitalize": "capitalize"}


class OpenError(Exception):
    """The expression depends on what the template is given, or does what is not followed."""


class Closed:
    """Evaluates with `names`: for each variable the one expression that is assigned to it."""

    def __init__(self, names: Mapping[str, nodes.Node]) -> None:
        self._names = names
        self._known: dict[str, Any] = {}
        self._steps = _STEPS

    @property
    def lost(self) -> bool:
        """Whether the template was too much to be followed to its end."""
        return self._steps < 0

    def text(self, node: nodes.Node) -> str | None:
        """The text that the expression stands for, None when it is no text or not known."""
        try:
            value = self.value(node, 0)
        except (OpenError, ValueError, TypeError, IndexError, KeyError, OverflowError, AttributeError):
            return None
        return value if isinstance(value, str) else None

    def number(self, node: nodes.Node) -> int | None:
        """The number that the expression stands for, None when it is none or not known."""
        try:
            value = self.value(node, 0)
        except (OpenError, ValueError, TypeError, IndexError, KeyError, OverflowError, AttributeError):
            return None
        return value if isinstance(value, int) else None

    def value(self, node: nodes.Node | None, depth: int) -> Any:
        """A str, int, None, list or dict. Raises OpenError, and what Python raises for operands that do not fit."""
        self._steps -= 1
        if node is None or depth > _DEPTH or self._steps < 0:
            raise OpenError
        take = getattr(self, f"_{type(node).__name__.lower()}", None)
        if take is None:
            raise OpenError
        return _small(take(node, depth + 1))

    def _const(self, node: nodes.Const, _: int) -> Any:
        if not isinstance(node.value, (str, int, type(None))):
            raise OpenError
        return node.value

    def _templatedata(self, node: nodes.TemplateData, _: int) -> Any:
        return str(node.data)

    def _name(self, node: nodes.Name, depth: int) -> Any:
        if node.name not in self._names:
            raise OpenError
        if node.name not in self._known:
            self._known[node.name] = self.value(self._names[node.name], depth)
        return self._known[node.name]

    def _list(self, node: nodes.List, depth: int) -> Any:
        return [self.value(item, depth) for item in node.items]

    _tuple = _list

    def _dict(self, node: nodes.Dict, depth: int) -> Any:
        return {self.value(pair.key, depth): self.value(pair.value, depth) for pair in node.items}

    def _concat(self, node: nodes.Concat, depth: int) -> Any:
        return _joined("", (self.value(part, depth) for part in node.nodes))

    def _add(self, node: nodes.Add, depth: int) -> Any:
        return self.value(node.left, depth) + self.value(node.right, depth)

    def _neg(self, node: nodes.Neg, depth: int) -> Any:
        return -self.value(node.node, depth)

    def _mul(self, node: nodes.Mul, depth: int) -> Any:
        left, right = self.value(node.left, depth), self.value(node.right, depth)
        if isinstance(left, int):
            left, right = right, left
        if not isinstance(right, int) or not 0 <= right <= _LONGEST:
            raise OpenError
        if isinstance(left, (str, list)) and len(left) * right > _LONGEST:
            raise OpenError
        return left * right

    def _pow(self, node: nodes.Pow, depth: int) -> Any:
        base, power = self.value(node.left, depth), self.value(node.right, depth)
        if not (isinstance(base, int) and isinstance(power, int) and abs(base) <= 1000 and 0 <= power <= 64):
            raise OpenError
        return base**power

    def _mod(self, node: nodes.Mod, depth: int) -> Any:
        return _percent(self.value(node.left, depth), self.value(node.right, depth))

    def _getattr(self, node: nodes.Getattr, depth: int) -> Any:
        found = self.value(node.node, depth)
        if not isinstance(found, dict):
            raise OpenError
        return found[node.attr]

    def _getitem(self, node: nodes.Getitem, depth: int) -> Any:
        from jinja2 import nodes as kinds  # noqa: PLC0415  (start-up)

        found = self.value(node.node, depth)
        if isinstance(node.arg, kinds.Slice):
            bounds = (node.arg.start, node.arg.stop, node.arg.step)
            return found[slice(*(None if bound is None else self.value(bound, depth) for bound in bounds))]
        return found[self.value(node.arg, depth)]

    def _call(self, node: nodes.Call, depth: int) -> Any:
        from jinja2 import nodes as kinds  # noqa: PLC0415

        given = [self.value(argument, depth) for argument in node.args]
        named = {pair.key: self.value(pair.value, depth) for pair in node.kwargs}
        if isinstance(node.node, kinds.Name) and node.node.name == "dict" and not given:
            return named
        if isinstance(node.node, kinds.Getattr):
            return _method(node.node.attr, self.value(node.node.node, depth), given, named)
        raise OpenError

    def _filter(self, node: nodes.Filter, depth: int) -> Any:
        target = self.value(node.node, depth)
        given = [self.value(argument, depth) for argument in node.args]
        if node.name in ("list", "first", "last", "join", "reverse"):
            items = list(target)
            if node.name == "join":
                return _joined(given[0] if given else "", items)
            if node.name == "reverse":
                return target[::-1]
            return items if node.name == "list" else items[0 if node.name == "first" else -1]
        if node.name == "format":
            return _percent(target, given)
        if node.name in ("string", "safe", "e", "escape"):
            return _plain(target)
        if node.name == "striptags":
            return _tagless(target)
        return _method(_FILTERS.get(node.name, node.name), target, given, {})


def _small(value: Any) -> Any:
    if isinstance(value, (str, list, dict)) and len(value) > _LONGEST:
        raise OpenError
    if isinstance(value, int) and abs(value) > 1 << 64:
        raise OpenError
    return value


def _plain(value: Any) -> str:
    """A text or number as it is printed; lists are not followed, which may hold each other."""
    if not isinstance(value, (str, int)):
        raise OpenError
    return str(value)


def _joined(glue: str, items: Iterable[Any]) -> str:
    parts: list[str] = []
    size = 0
    for item in items:
        parts.append(_plain(item))
        size += len(parts[-1]) + len(glue)
        if size > _LONGEST:
            raise OpenError
    return glue.join(parts)


def _percent(template: Any, given: Any) -> str:
    """`%` of text with `%s`, `%c`, `%d` and names only."""
    if not isinstance(template, str) or template.count("%") != sum(
        m[0].count("%") for m in _PERCENT.finditer(template)
    ):
        raise OpenError
    waiting = list(given) if isinstance(given, list) else [given]

    parts: list[Any] = []
    at = 0
    for match in _PERCENT.finditer(template):
        value = "%" if match[2] == "%" else given[match[1]] if match[1] else waiting.pop(0)
        value = chr(value) if match[2] == "c" and isinstance(value, int) else value
        parts += [template[at : match.start()], value]
        at = match.end()
    return _joined("", [*parts, template[at:]])


def _method(name: str, target: Any, given: list[Any], named: dict[str, Any]) -> Any:
    """A method of text that can put a word together."""
    if not isinstance(target, str):
        if isinstance(target, dict) and name in ("keys", "values", "get"):
            return target.get(given[0]) if name == "get" else list(getattr(target, name)())
        raise OpenError
    if name == "format":
        return _braces(target, given, named)
    if name in _TEXT_TO_TEXT:
        found = getattr(target, name)(*given)
        return list(found) if isinstance(found, tuple) else found
    if name in _PADDING and given and isinstance(given[0], int) and given[0] <= _LONGEST:
        return getattr(target, name)(*given)
    if name == "replace" and len(given) == 2 and (target.count(given[0]) + 1) * len(given[1]) <= _LONGEST:
        return target.replace(given[0], given[1])
    if name == "join":
        return _joined(target, given[0])
    if name == "translate" and isinstance(given[0], dict):
        return _joined("", (target[at].translate(given[0]) for at in range(len(target))))
    raise OpenError


def _braces(template: str, given: list[Any], named: dict[str, Any]) -> str:
    """`str.format` with plain fields: no attributes, no items, no formats."""
    done: list[Any] = []
    next_ = 0
    for text, field, spec, conversion in string.Formatter().parse(template):
        done.append(text)
        if field is None:
            continue
        if spec or conversion or not re.fullmatch(r"\w*", field):
            raise OpenError
        place = field or str(next_)
        next_ += not field
        done.append(given[int(place)] if place.isdecimal() else named[place])
    return _joined("", done)


def _tagless(text: Any) -> str:
    import html  # noqa: PLC0415

    return html.unescape(re.sub(r"<[^<>]*>", "", text))
