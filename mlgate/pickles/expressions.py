"""Values as people read them, and the names that chains of calls end at."""

from __future__ import annotations

from mlgate.errors import Incomplete
from mlgate.pickles.values import TUPLE_KEEP, Bag, Call, Global, Opaque, Value, items_of
from mlgate.pickles.window import Constant, Window

LENGTH = 300
_DEPTH = 6
_TEXT = 160
_CHAIN = 12
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "dict": "{}"}
_METHODS = {"build": "__setstate__", "setitems": "update", "appends": "extend", "additems": "update"}

# Callables that return what their arguments name: how a hostile stream reaches what it does not import.
_ATTRIBUTE = frozenset(
    {"builtins.getattr", "__builtin__.getattr", "inspect.getattr_static", "builtins.object.__getattribute__"}
)
_LOOKUP = frozenset(
    {
        "importlib.import_module",
        "importlib.__import__",
        "importlib._bootstrap._gcd_import",
        "builtins.__import__",
        "__builtin__.__import__",
        "pkgutil.resolve_name",
        "pydoc.locate",
        "pydoc.safeimport",
    }
)
_GETTER = frozenset({"operator.attrgetter", "_operator.attrgetter"})
_CALLER = frozenset({"operator.methodcaller", "_operator.methodcaller"})
_WRAPPER = frozenset({"functools.partial", "_functools.partial", "functools.partialmethod", "types.MethodType"})
_ITEM = frozenset(
    {"operator.getitem", "_operator.getitem", "operator.__getitem__", "builtins.dict.get", "builtins.dict.__getitem__"}
)
_PAIR = frozenset({"numpy.core._ufunc_reconstruct", "numpy._core._ufunc_reconstruct"})
_NAMESPACE = frozenset({"builtins.vars", "__builtin__.vars"})


def constant(window: Window, value: Value) -> Constant:
    """The constant of a value, or None; never raises."""
    if not isinstance(value, int):
        return None
    try:
        return window.constant(value)
    except (Incomplete, ValueError):
        return None


def resolve(window: Window, value: Value) -> str | None:
    """The dotted name a value stands for, seen through getattr, attrgetter, partial and the like; None if unknown.

    >>> # getattr(__import__("os"), "system") -> "os.system"
    """
    return _resolve(window, value, _CHAIN)


def _resolve(window: Window, value: Value, budget: int) -> str | None:
    if isinstance(value, Global):
        return value.path
    if not isinstance(value, Call) or budget <= 0:
        return None
    if value.kind in _METHODS:
        target = _resolve(window, value.callee, budget - 1)
        return f"{target}.{_METHODS[value.kind]}" if target else None
    items = items_of(value.args)
    if not items:
        return None
    first = _resolve(window, items[0], budget - 1)
    callee = _resolve(window, value.callee, budget - 1)
    if callee is None:
        return _applied(window, value.callee, first)
    if callee in _LOOKUP:
        text = constant(window, items[0])
        return text.replace(":", ".") if isinstance(text, str) else None
    if callee in _WRAPPER:
        return first
    if callee in _NAMESPACE:
        return first and f"{first}.__dict__"
    if callee in _ATTRIBUTE and len(items) > 1:
        name = constant(window, items[1])
        return f"{first or '?'}.{name if isinstance(name, str) else '?'}"
    if callee in _ITEM and len(items) > 1:
        return _item(first, constant(window, items[1]))
    if callee in _PAIR and len(items) > 1:
        words = (constant(window, items[0]), constant(window, items[1]))
        return ".".join(word if isinstance(word, str) else "?" for word in words)
    return None


def _item(owner: str | None, key: Constant) -> str | None:
    """An entry of a namespace: `sys.modules["os"]` is os, `m.__dict__["f"]` is m.f."""
    if owner is None or not isinstance(key, str):
        return None
    if owner == "sys.modules":
        return key
    return f"{owner.removesuffix('.__dict__').removesuffix('.__globals__')}.{key}"


def _applied(window: Window, getter: Value, first: str | None) -> str | None:
    """The result of calling an attrgetter (an attribute) or a methodcaller (what the method returns: unknown)."""
    if isinstance(getter, Call) and isinstance(getter.callee, Global) and getter.callee.path in _GETTER:
        name = constant(window, next(iter(items_of(getter.args)), ()))
        return f"{first or '?'}.{name if isinstance(name, str) else '?'}"
    return None


def called(window: Window, call: Call) -> str | None:
    """The dotted name of what a call runs, if known: also the method behind a methodcaller."""
    callee = call.callee
    if isinstance(callee, Call) and isinstance(callee.callee, Global) and callee.callee.path in _CALLER:
        owner = next(iter(items_of(call.args)), ())
        name = constant(window, next(iter(items_of(callee.args)), ()))
        return f"{resolve(window, owner) or '?'}.{name if isinstance(name, str) else '?'}"
    return resolve(window, callee)


def render(window: Window, value: Value | None, budget: int = LENGTH) -> str:
    """A value as a Python expression, at most `budget` characters."""
    text = _render(window, value, _DEPTH, budget)
    return text if len(text) <= budget else f"{text[: budget - 3]}..."


def _render(window: Window, value: Value | None, depth: int, budget: int) -> str:
    if value is None or depth <= 0 or budget <= 0:
        return "..."
    if isinstance(value, int):
        return _literal(window, value)
    if isinstance(value, Global):
        return value.path
    name = window.label(value)
    if name:
        return name
    if isinstance(value, Opaque):
        detail = value.detail
        return f"{value.kind}({detail if isinstance(detail, str) else _render(window, detail, depth - 1, budget)})"
    if isinstance(value, Call):
        return _render_call(window, value, depth, budget)
    bag = value if isinstance(value, Bag) else Bag("tuple", items_of(value), TUPLE_KEEP)
    kind, items, count = bag.kind, bag.items, bag.count
    inner = _join(window, tuple(items), depth, budget, pairs=kind == "dict", more=count > len(items))
    if kind == "frozenset":
        return f"frozenset({{{inner}}})"
    if kind == "set" and not count:
        return "set()"
    brackets = _BRACKETS[kind]
    comma = "," if kind == "tuple" and count == 1 else ""
    return f"{brackets[0]}{inner}{comma}{brackets[1]}"


def _join(
    window: Window, items: tuple[Value, ...], depth: int, budget: int, *, pairs: bool = False, more: bool = False
) -> str:
    parts: list[str] = []
    used = 0
    for index, item in enumerate(items):
        if used > budget:
            more = True
            break
        text = _render(window, item, depth - 1, budget - used)
        used += len(text) + 2
        if pairs and index % 2:
            parts[-1] += f": {text}"
        else:
            parts.append(text)
    if more:
        parts.append("...")
    return ", ".join(parts)


def _render_call(window: Window, call: Call, depth: int, budget: int) -> str:
    callee = _render(window, call.callee, depth - 1, budget)
    if call.kind in _METHODS:
        return f"{callee}.{_METHODS[call.kind]}({_render(window, call.args, depth - 1, budget - len(callee))})"
    if isinstance(call.args, tuple) or (isinstance(call.args, Bag) and call.args.kind == "tuple"):
        bag = call.args
        more = isinstance(bag, Bag) and bag.count > len(bag.items)
        inner = _join(window, items_of(bag), depth, budget - len(callee), more=more)
    else:
        inner = f"*{_render(window, call.args, depth - 1, budget - len(callee))}"
    if call.kwargs is not None:
        inner = f"{inner}, **{_render(window, call.kwargs, depth - 1, budget)}".removeprefix(", ")
    return f"{callee}({inner})"


def _literal(window: Window, offset: int) -> str:
    value = constant(window, offset)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bytes):
        return f"b{quoted(value.decode('latin-1'))}"
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**50 else hex(value)
    return text[:_TEXT]


def quoted(text: str) -> str:
    """Text in double quotes with everything but printable ASCII escaped, cut in the middle when long."""
    if len(text) > _TEXT:
        text = f"{text[: _TEXT - 40]}…{text[-39:]}"
    body = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{body}"'
