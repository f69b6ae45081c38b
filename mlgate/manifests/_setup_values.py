"""What expressions of a setup.py come to, as far as constants tell; nothing is run.

A list is the union of all that the file ever puts into it, on whatever branch: too much is better than too little.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from mlgate.manifests._setup_names import Names

_FILE = re.compile(r"[^\s*?<>|\n]{1,300}\.(txt|in|pip)", re.IGNORECASE)
_SAME = frozenset({"list", "tuple", "set", "sorted", "frozenset", "reversed", "deepcopy", "copy", "str", "unique"})
_SPLITS = frozenset({"split", "splitlines", "strip", "rstrip", "lstrip", "copy"})
_START = re.compile(r"([A-Za-z0-9][\w.-]*(?:\[[\w, .-]*\])?)\s*[=<>!~]=")
_JOINS = frozenset({"join", "joinpath"})
_DEEPEST = 80
_MOST = 200_000


@dataclass(slots=True)
class Value:
    """`texts` with their lines, `groups` of a dict, `files` that are read, and expressions that are `unknown`."""

    texts: list[tuple[str, int]] = field(default_factory=list)
    groups: dict[str, Value] = field(default_factory=dict)
    files: list[tuple[str, int]] = field(default_factory=list)
    unknown: list[ast.expr] = field(default_factory=list)

    def add(self, other: Value) -> None:
        """Takes in all that another value has."""
        self.texts += other.texts
        self.files += other.files
        self.unknown += other.unknown
        for key, value in other.groups.items():
            self.groups.setdefault(key, Value()).add(value)

    def all(self) -> Value:
        """Everything in it, the groups' values too."""
        whole = Value(list(self.texts), {}, list(self.files), list(self.unknown))
        for value in self.groups.values():
            whole.add(value.all())
        return whole


def _called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


class Evaluator(Names):
    """What the expressions of one module come to."""

    def __init__(self, module: ast.Module) -> None:
        super().__init__(module)
        self.left = _MOST

    def value(self, node: ast.expr, seen: tuple[str, ...] = (), depth: int = 0) -> Value:
        """What the expression comes to."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            return Value(unknown=[node])
        take = self._takers.get(type(node), Evaluator._opaque)
        return take(self, node, seen, depth)

    def _union(self, nodes: Iterable[ast.expr], seen: tuple[str, ...], depth: int) -> Value:
        found = Value()
        for node in nodes:
            found.add(self.value(node, seen, depth + 1))
        return found

    def _constant(self, node: ast.Constant, _seen: tuple[str, ...], _depth: int) -> Value:
        if isinstance(node.value, str):
            return Value(texts=[(node.value, node.lineno)])
        return Value() if node.value is None or node.value is False else Value(unknown=[node])

    def _items(self, node: ast.List | ast.Tuple | ast.Set, seen: tuple[str, ...], depth: int) -> Value:
        return self._union(node.elts, seen, depth)

    def _starred(self, node: ast.Starred, seen: tuple[str, ...], depth: int) -> Value:
        return self.value(node.value, seen, depth + 1)

    def _joined(self, node: ast.JoinedStr, seen: tuple[str, ...], _depth: int) -> Value:
        text = self._text(node, seen)
        return self._named(node) if text is None else Value(texts=[(text, node.lineno)])

    @staticmethod
    def _named(node: ast.expr) -> Value:
        """A requirement whose version is computed: its name is known."""
        first = next((each for each in ast.walk(node) if isinstance(each, ast.Constant)), None)
        name = _START.match(first.value) if first and isinstance(first.value, str) else None
        return Value(texts=[(name[1], node.lineno)] if name else [], unknown=[node])

    def _either(self, node: ast.IfExp, seen: tuple[str, ...], depth: int) -> Value:
        return self._union([node.body, node.orelse], seen, depth)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, seen: tuple[str, ...], depth: int
    ) -> Value:
        return self.value(node.elt, seen, depth + 1)

    def _mapped(self, node: ast.DictComp, seen: tuple[str, ...], depth: int) -> Value:
        return self.value(node.value, seen, depth + 1)

    def _boolean(self, node: ast.BoolOp, seen: tuple[str, ...], depth: int) -> Value:
        return self._union(node.values, seen, depth)

    def _dict(self, node: ast.Dict, seen: tuple[str, ...], depth: int) -> Value:
        found = Value()
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.value(value, seen, depth + 1)
            if key is None:
                found.add(inner)
            else:
                found.groups.setdefault(self._text(key, seen) or "", Value()).add(inner)
        return found

    def _name(self, node: ast.Name, seen: tuple[str, ...], depth: int) -> Value:
        name = node.id
        if name in seen:
            return Value()
        seen = (*seen, name)
        parts = self.bindings(node)
        keyed = self.keyed.get(name, ())
        if not parts and not keyed:
            return Value(unknown=[node])
        found = self._union(parts, seen, depth)
        for key, value in keyed:
            inner = self.value(value, seen, depth + 1)
            found.groups.setdefault(self._text(key, seen) or "", Value()).add(inner)
        return found

    def _operation(self, node: ast.BinOp, seen: tuple[str, ...], depth: int) -> Value:
        if isinstance(node.op, (ast.Add, ast.BitOr)):
            text = self._text(node, seen) if isinstance(node.op, ast.Add) else None
            if text is not None:
                return Value(texts=[(text, node.lineno)])
            return self._union([node.left, node.right], seen, depth)
        text = self._text(node, seen)
        if text is None:
            return self._named(node) if isinstance(node.op, ast.Mod) else self._opaque(node, seen)
        return Value(texts=[(text, node.lineno)])

    def _subscript(self, node: ast.Subscript, seen: tuple[str, ...], depth: int) -> Value:
        key = self._text(node.slice, seen)
        if key is not None and isinstance(node.value, ast.Name):
            one = self._under(node.value.id, key, seen, depth)
            if one is not None:
                return one
        owner = self.value(node.value, seen, depth + 1)
        if key is not None and key in owner.groups:
            return owner.groups[key]
        if owner.groups:
            return owner.all()
        return owner if owner.texts or owner.files else Value(unknown=[node])

    def _under(self, name: str, key: str, seen: tuple[str, ...], depth: int) -> Value | None:
        """What the file puts under a key of a dict by name, so that one key can be made of others."""
        itself = f"{name}[{key}]"
        if itself in seen:
            return Value()
        nodes = [value for each, value in self.keyed.get(name, ()) if self._text(each, seen) == key]
        for assigned in self.assigned.get(name, ()):
            if isinstance(assigned, ast.Dict):
                pairs = zip(assigned.keys, assigned.values, strict=True)
                nodes += [value for each, value in pairs if each is not None and self._text(each, seen) == key]
        return self._union(nodes, (*seen, itself), depth) if nodes else None

    def _call(self, node: ast.Call, seen: tuple[str, ...], depth: int) -> Value:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if (name or method) in _SAME and len(node.args) < 2:
            return self._union(node.args, seen, depth)
        if name in {"dict", "defaultdict"}:
            found = self._union([a for a in node.args if not isinstance(a, ast.Name) or a.id != "list"], seen, depth)
            for keyword in node.keywords:
                inner = self.value(keyword.value, seen, depth + 1)
                if keyword.arg is None:
                    found.add(inner)
                else:
                    found.groups.setdefault(keyword.arg, Value()).add(inner)
            return found
        if name == "sum" and node.args:
            return self._union(node.args, seen, depth)
        if isinstance(node.func, ast.Attribute) and method in {"values", "items", "keys", "union"}:
            return self._union([node.func.value, *node.args], seen, depth).all()
        if isinstance(node.func, ast.Attribute) and method in _SPLITS:
            owner = self.value(node.func.value, seen, depth + 1)
            return Value(self._lines(owner.texts), owner.groups, owner.files, owner.unknown)
        return self._opaque(node, seen)

    @staticmethod
    def _lines(texts: list[tuple[str, int]]) -> list[tuple[str, int]]:
        return [(line, first + more) for text, first in texts for more, line in enumerate(text.split("\n"))]

    def _opaque(self, node: ast.expr, seen: tuple[str, ...], _depth: int = 0) -> Value:
        """Something that is computed: the files it reads are as good as what it comes to, anything else is unknown."""
        found = list(dict.fromkeys(self._files(node, seen)))
        certain = all(sure for _, _, sure in found)
        files = [(path, line) for path, line, _ in found]
        return Value(files=files, unknown=[] if files and certain else [node])

    def _files(self, node: ast.AST, seen: tuple[str, ...], depth: int = 0) -> Iterator[tuple[str, int, bool]]:
        """(path, line, whether it is sure) of files that an expression reads, also by functions and names."""
        for inner in ast.walk(node):
            self.left -= 1
            if self.left < 0 or depth > _DEEPEST:
                return
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                if _FILE.fullmatch(inner.value) and "==" not in inner.value:
                    path, sure = self._path(node, inner)
                    yield path, inner.lineno, sure
            elif isinstance(inner, ast.Name) and inner.id not in seen:
                seen = (*seen, inner.id)
                for value in self.bindings(inner):
                    yield from self._files(value, seen, depth + 1)
                function = self.functions.get(inner.id)
                for part in (*function.args.defaults, *function.body) if function else ():
                    yield from self._files(part, seen, depth + 1)

    def _path(self, node: ast.AST, constant: ast.Constant) -> tuple[str, bool]:
        """The path that a constant is the end of: `os.path.join(here, "a", "b.txt")`, `HERE / "a" / "b.txt"`.

        The file's own functions are taken to join what they are given, which is not sure.
        """
        own = constant.value if isinstance(constant.value, str) else ""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                given = [*inner.args, *(keyword.value for keyword in inner.keywords)]
                if constant in given and given.index(constant):
                    joins = _called(inner) in _JOINS
                    before = given[: given.index(constant)]
                    known = [self._text(each, ()) for each in before if joins or isinstance(each, ast.Name)]
                    parts = [text for text in known if text and not text.startswith("/")]
                    return "/".join([*parts, own]), joins
            elif isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div) and inner.right is constant:
                text = self._text(inner.left, ())
                return f"{text}/{own}" if text else own, True
        return own, True

    def _text(self, node: ast.AST, seen: tuple[str, ...], depth: int = 0) -> str | None:
        """The one text that an expression is, or None."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            values = self.assigned.get(node.id, ())
            if len(values) == 1 and node.id not in seen and node.id not in self.merged:
                return self._text(values[0], (*seen, node.id), depth + 1)
            return None
        joined: list[ast.expr] = []
        if isinstance(node, ast.Call) and _called(node) in _JOINS:
            joined = node.args
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            joined = [node.left, node.right]
        if joined:  # what is unknown of a path is where setup.py is
            return "/".join(text for each in joined if (text := self._text(each, seen, depth + 1))) or None
        if isinstance(node, ast.JoinedStr):
            parts = [
                self._text(v.value if isinstance(v, ast.FormattedValue) else v, seen, depth + 1) for v in node.values
            ]
            return None if None in parts else "".join(part or "" for part in parts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
            left, right = self._text(node.left, seen, depth + 1), self._text(node.right, seen, depth + 1)
            if left is None or right is None or len(left) + len(right) > 10_000:
                return None
            if isinstance(node.op, ast.Add):
                return left + right
            return left.replace("%s", right) if left.count("%") == left.count("%s") == 1 else None
        return None

    _takers: ClassVar[dict[type[ast.expr], Callable[..., Value]]] = {
        ast.Constant: _constant,
        ast.List: _items,
        ast.Tuple: _items,
        ast.Set: _items,
        ast.Dict: _dict,
        ast.Name: _name,
        ast.Starred: _starred,
        ast.BinOp: _operation,
        ast.JoinedStr: _joined,
        ast.IfExp: _either,
        ast.BoolOp: _boolean,
        ast.Subscript: _subscript,
        ast.Call: _call,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.DictComp: _mapped,
    }
