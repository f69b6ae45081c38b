"""What an expression can be, from this file alone: constants through names, defaults, calls and simple data flow.

What other files, users or the network decide is unknown, and that is said beside what is known.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable

from mlgate.records import Resolution
from mlgate.references import _flow
from mlgate.references._domain import (
    MOST_TEXT,
    UNKNOWN,
    Arguments,
    Display,
    Instance,
    Known,
    Plain,
    Values,
    combine,
    union,
)
from mlgate.references._names import Names
from mlgate.references._scope import At, Tree

_DEPTH = 40
_MOST_STEPS = 300_000  # evaluations a file; beyond it everything is unknown
_PATHS = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"})
_JOINS = frozenset({"os.path.join", "posixpath.join"})
_SAME = frozenset({"str", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.fspath", "open", "io.open"})
_SAME_METHODS = frozenset({"resolve", "absolute", "as_posix", "open", "strip", "rstrip", "expanduser"})
_ENVIRONMENT = frozenset({"os.environ.get", "os.getenv", "environ.get"})
_INTO_DATACLASSES = frozenset(
    {"parse_args_into_dataclasses", "parse_args_and_config", "parse_json_file", "parse_yaml_file", "parse_dict"}
)
_PARSERS = frozenset({"parse_args", "parse_known_args"})


class Evaluator:
    """Evaluates expressions of one tree; `path` is the file's own, for `__file__`."""

    def __init__(self, tree: Tree, names: Names, path: str) -> None:
        self.tree = tree
        self.names = names
        self.path = path
        self._known: dict[int, Values] = {}
        self._steps = 0
        self._depth = 0

    def values(self, node: ast.AST, at: At) -> Values:
        """What the expression can be where it stands."""
        if isinstance(node, ast.Constant):
            return Values((Known(node.value),)) if isinstance(node.value, Plain) else UNKNOWN
        known = self._known.get(id(node))
        if known is not None:
            return known
        self._steps += 1
        if self._steps > _MOST_STEPS or self._depth > _DEPTH:
            return UNKNOWN
        self._known[id(node)] = UNKNOWN  # a cycle ends here
        self._depth += 1
        try:
            result = self._values(node, at)
        finally:
            self._depth -= 1
        self._known[id(node)] = result
        return result

    def _values(self, node: ast.AST, at: At) -> Values:
        match node:
            case ast.Name():
                return _flow.name(self, node, at)
            case ast.Attribute():
                return self._attribute(node, at)
            case ast.Call():
                return self._call(node, at)
            case ast.JoinedStr():
                return self._joined(node, at)
            case ast.BinOp() | ast.UnaryOp():
                return self._operation(node, at)
            case ast.IfExp():
                return union((self.values(node.body, at), self.values(node.orelse, at))).at_best(Resolution.CONSTANT)
            case ast.BoolOp():
                return self._choice(node, at)
            case ast.Subscript():
                return self._item(node, at)
            case ast.Dict():
                return Values((Known(self._dictionary(node, at)),))
            case ast.List() | ast.Tuple() | ast.Set():
                entries = tuple((index, item, at) for index, item in enumerate(node.elts))
                starred = any(isinstance(item, ast.Starred) for item in node.elts)
                return Values((Known(Display(entries, mapping=False, open=starred, sources=(node,))),))
            case ast.NamedExpr() | ast.Await():
                return self.values(node.value, at)
            case _:
                return UNKNOWN

    def _attribute(self, node: ast.Attribute, at: At) -> Values:
        if node.attr == "parent":
            return combine(posixpath.dirname, (self.values(node.value, at),))
        if node.attr == "value":  # a member of an Enum
            return self.values(node.value, at)
        return _flow.attribute(self, node, at)

    def _dictionary(self, node: ast.Dict, at: At) -> Display:
        entries: list[tuple[Plain, ast.expr, At]] = []
        sources: list[ast.AST] = [node]
        is_open = False
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                spread = self.values(value, at)
                is_open = is_open or spread.unknown or not spread.displays()
                for inner in spread.displays():
                    entries.extend(inner.entries)
                    sources.extend(inner.sources)
                    is_open = is_open or inner.open
                continue
            known = self.values(key, at)
            is_open = is_open or known.unknown
            entries.extend((text, value, at) for text, _ in known.texts())
            entries.extend((k.value, value, at) for k in known.known if isinstance(k.value, (int, bytes)))
        return Display(tuple(entries), mapping=True, open=is_open, sources=tuple(sources))

    def _joined(self, node: ast.JoinedStr, at: At) -> Values:
        parts = []
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                if item.format_spec is not None or item.conversion not in {-1, ord("s")}:
                    return UNKNOWN
                inner = self.values(item.value, at)
                kept = tuple(k for k in inner.known if k.value is not None)  # code sets it before it writes it out
                parts.append(Values(kept, inner.unknown or len(kept) < len(inner.known)))
            else:
                parts.append(self.values(item, at))
        return combine(lambda *texts: "".join(map(str, texts)), parts)

    def _operation(self, node: ast.BinOp | ast.UnaryOp, at: At) -> Values:
        if isinstance(node, ast.UnaryOp):
            negated = isinstance(node.op, ast.Not)
            return combine(lambda value: not value, (self.values(node.operand, at),)) if negated else UNKNOWN
        left, right = self.values(node.left, at), self.values(node.right, at)
        if isinstance(node.op, ast.Add):
            return combine(_add, (left, right))
        if isinstance(node.op, ast.Mult):
            return combine(_times, (left, right))
        if isinstance(node.op, ast.Div):
            return combine(_slash, (left, right))
        if isinstance(node.op, ast.Mod):
            if isinstance(node.right, ast.Tuple):
                parts = [self.values(item, at) for item in node.right.elts]
                return combine(_percent, (left, *parts))
            return combine(_percent, (left, right))
        return UNKNOWN

    def _choice(self, node: ast.BoolOp, at: At) -> Values:
        """`a or b`: a where it is true, else b, which is then a default."""
        if isinstance(node.op, ast.And):
            return union((*(self.values(value, at) for value in node.values[1:]), UNKNOWN))
        kept: list[Values] = []
        how = Resolution.CONSTANT
        for value in node.values:
            part = self.values(value, at).at_best(how)
            last = value is node.values[-1]
            kept.append(Values(tuple(k for k in part.known if k.value or last), part.unknown))
            if part.unknown or any(k.how is Resolution.DEFAULT for k in part.known):
                how = Resolution.DEFAULT
            if not part.unknown and all(k.value for k in part.known):
                break
        return union(kept)

    def _item(self, node: ast.Subscript, at: At) -> Values:
        owner = self.values(node.value, at)
        if self.names.resolve(node.value, at) == ("os.environ",):
            return UNKNOWN
        return self.item(owner, self.values(node.slice, at))

    def item(self, owner: Values, key: Values) -> Values:
        """`owner[key]`; with an unknown key, everything the owner holds."""
        parts: list[Values] = [UNKNOWN] if owner.unknown or len(owner.displays()) < len(owner.known) else []
        keys = [k.value for k in key.known]
        for display in owner.displays():
            found = [e for e in display.entries if key.unknown or e[0] in keys]
            parts.extend(self.values(value, inner).at_best(Resolution.CONSTANT) for _, value, inner in found)
            if display.open or not found:
                parts.append(UNKNOWN)
        return union(parts)

    def _call(self, node: ast.Call, at: At) -> Values:
        local = self.names.local(node.func, at)
        if isinstance(local, ast.ClassDef):
            scope = self.tree.scopes.get(id(local))
            return Values((Known(Instance(scope, node, at)),)) if scope else UNKNOWN
        if local is not None:
            returned = self.tree.returns.get(id(local), [])
            if not returned or len(returned) > 4:
                return UNKNOWN
            return union(self.values(value, inner) for value, inner in returned).at_best(Resolution.CONSTANT)
        function = self.names.resolve(node.func, at)[0]
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, function, at)
        return self._function(node, function, at)

    def _function(self, node: ast.Call, function: str, at: At) -> Values:
        if function in _SAME and node.args:
            return self.values(node.args[0], at).at_best(Resolution.CONSTANT)
        if function in _JOINS or function in _PATHS:
            return combine(posixpath.join, self._arguments(node.args, at)) if node.args else UNKNOWN
        if function == "os.path.dirname" and node.args:
            return combine(posixpath.dirname, (self.values(node.args[0], at),))
        if function in _ENVIRONMENT:
            default = node.args[1] if len(node.args) > 1 else _flow.keyword(node, "default")
            return UNKNOWN if default is None else self.values(default, at).at_best(Resolution.DEFAULT)
        if function == "dict" and not node.args:
            entries = tuple((k.arg, k.value, at) for k in node.keywords if k.arg)
            spread = any(k.arg is None for k in node.keywords)
            return Values((Known(Display(entries, mapping=True, open=spread, sources=(node,))),))
        if function.rpartition(".")[2] in _flow.OPTIONS:
            return _flow.option(self, node, at)
        return UNKNOWN

    def _method(self, node: ast.Call, function: ast.Attribute, qualified: str, at: At) -> Values:
        name = function.attr
        if name in _PARSERS:
            arguments = Values((Known(Arguments()),))
            return arguments if name == "parse_args" else UNKNOWN
        if name in _INTO_DATACLASSES:
            return self._dataclasses()
        known = self._function(node, qualified, at)
        if known is not UNKNOWN:
            return known
        owner = self.values(function.value, at)
        if name == "get" and owner.displays() and node.args:
            found = self.item(owner, self.values(node.args[0], at))
            default = [self.values(node.args[1], at).at_best(Resolution.DEFAULT)] if len(node.args) > 1 else []
            return union((Values(found.known), *default)) if found.known or default else found
        if name == "format":
            names = [k.arg for k in node.keywords]
            parts = [*self._arguments(node.args, at), *(self.values(k.value, at) for k in node.keywords)]
            if None in names:
                return UNKNOWN
            return combine(lambda text, *rest: _format(text, rest, names), (owner, *parts))
        if name == "join" and node.args:
            items = self.values(node.args[0], at).displays()
            if len(items) == 1 and not items[0].open and not items[0].mapping:
                parts = [self.values(value, inner) for _, value, inner in items[0].entries]
                return combine(lambda text, *rest: text.join(rest), (owner, *parts))
        if name == "joinpath":
            return combine(posixpath.join, (owner, *self._arguments(node.args, at)))
        return owner.at_best(Resolution.CONSTANT) if name in _SAME_METHODS and owner.texts() else UNKNOWN

    def _dataclasses(self) -> Values:
        """What transformers' HfArgumentParser and TRL's parser give: an object of each class they were made with."""
        sites = [site for name in ("HfArgumentParser", "TrlParser") for site in self.tree.sites.get(name, ())]
        if len(sites) != 1 or not sites[0][0].args:
            return UNKNOWN
        node, at = sites[0]
        given = node.args[0]
        classes = given.elts if isinstance(given, (ast.Tuple, ast.List)) else [given]
        # as calls without arguments: objects whose fields have their defaults
        made = (ast.copy_location(ast.Call(each, [], []), each) for each in classes)
        entries = tuple((index, each, at) for index, each in enumerate(made))
        return Values((Known(Display(entries, mapping=False, open=False, sources=(node,))),))

    def _arguments(self, args: Iterable[ast.expr], at: At) -> list[Values]:
        return [UNKNOWN if isinstance(arg, ast.Starred) else self.values(arg, at) for arg in args]


def _add(left: Plain, right: Plain) -> Plain:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    raise TypeError


def _times(left: Plain, right: Plain) -> Plain:
    if isinstance(left, str) and isinstance(right, int) and 0 <= right * len(left) <= MOST_TEXT:
        return left * right
    raise TypeError


def _slash(left: Plain, right: Plain) -> Plain:
    if isinstance(left, str) and isinstance(right, str):
        return posixpath.join(left, right)
    raise TypeError


def _percent(text: Plain, *values: Plain) -> Plain:
    """`%` with `%s` and `%d` only: a width would be a way to ask for a huge text."""
    if not isinstance(text, str) or text.replace("%s", "").replace("%d", "").count("%"):
        raise TypeError
    return text % values


def _format(text: Plain, values: tuple[Plain, ...], names: list[str | None]) -> Plain:
    """`str.format` with plain fields only, for the same reason, and without attribute access."""
    if not isinstance(text, str):
        raise TypeError
    bare = text.replace("{", "").replace("}", "") if ":" not in text and "!" not in text else ""
    if (not bare and text) or "[" in text or any(part.partition("}")[0].count(".") for part in text.split("{")[1:]):
        raise ValueError
    positional = values[: len(values) - len(names)]
    keywords = dict(zip([name or "" for name in names], values[len(positional) :], strict=True))
    return text.format(*positional, **keywords)
