"""Where values come from: names, loops, parameters and their callers, attributes, command-line options."""

from __future__ import annotations

import ast
from typing import Protocol

from mlgate.records import Resolution
from mlgate.references._domain import UNKNOWN, Arguments, Display, Instance, Known, Values, union
from mlgate.references._names import LOCAL, Names
from mlgate.references._scope import At, Binding, Function, Scope, Tree, first_parameter

OPTIONS = frozenset({"Option", "Argument", "Field", "field", "Parameter"})  # typer, pydantic, dataclasses
_MOST_SITES = 20
_MOST_BINDINGS = 8
_CONTEXT = Resolution.CONSTANT


class Evaluates(Protocol):
    """What of the evaluator is needed here."""

    tree: Tree
    names: Names
    path: str

    def values(self, node: ast.AST, at: At) -> Values: ...

    def item(self, owner: Values, key: Values) -> Values: ...


def keyword(node: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument that is written out."""
    return next((k.value for k in node.keywords if k.arg == name), None)


def name(ev: Evaluates, node: ast.Name, at: At) -> Values:
    """All values that the name can have there."""
    bindings = ev.tree.lookup(node.id, at)
    if not bindings and node.id == "__file__":
        return Values((Known(ev.path, _CONTEXT),))
    if not bindings or len(bindings) > _MOST_BINDINGS:
        return UNKNOWN
    return _mutated(ev, node.id, at, union(bound(ev, binding) for binding in bindings))


def _mutated(ev: Evaluates, text: str, at: At, values: Values) -> Values:
    """Dicts with what is put into them under this name in this scope (later entries win)."""
    scope: Scope | None = at.scope
    while scope is not None and text not in scope.names:
        scope = scope.parent
    changes = ev.tree.mutations.get((id(scope), text), [])
    if not changes or not values.displays():
        return values
    added = tuple((change.key, change.value, change.at) for change in changes)
    known = tuple(
        Known(
            Display(
                k.value.entries + added,
                mapping=True,
                open=k.value.open,
                sources=k.value.sources + tuple(change.value for change in changes),
            ),
            k.how,
        )
        if isinstance(k.value, Display) and k.value.mapping
        else k
        for k in values.known
    )
    return Values(known, values.unknown)


def bound(ev: Evaluates, binding: Binding) -> Values:
    """The values that one binding gives."""
    if binding.kind == "param" and binding.node is not None:
        return _parameter(ev, binding)
    if binding.kind == "def" and isinstance(binding.node, ast.ClassDef):
        scope = ev.tree.scopes.get(id(binding.node))
        return Values((Known(Instance(scope)),)) if scope else UNKNOWN
    if binding.node is None or binding.kind not in {"assign", "for", "with"}:
        return UNKNOWN
    if binding.kind == "for":
        return _elements(ev, binding.node, binding.at, binding.path)
    if binding.path and isinstance(binding.node, ast.Call):
        function = binding.node.func
        if binding.path == (0,) and isinstance(function, ast.Attribute) and function.attr == "parse_known_args":
            return Values((Known(Arguments()),))
    return _unpacked(ev, ev.values(binding.node, binding.at), binding.path).at_best(_CONTEXT)


def _unpacked(ev: Evaluates, values: Values, path: tuple[int, ...]) -> Values:
    for index in path:
        if not values.displays():
            return UNKNOWN
        values = ev.item(values, Values((Known(index),)))
    return values


def _elements(ev: Evaluates, node: ast.AST, at: At, path: tuple[int, ...]) -> Values:
    """What a loop over `node` gives to the place `path` of its target."""
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Name) and function.id == "enumerate" and node.args and path[:1] == (1,):
            return _elements(ev, node.args[0], at, path[1:])
        if isinstance(function, ast.Name) and function.id == "zip" and path and path[0] < len(node.args):
            return _elements(ev, node.args[path[0]], at, path[1:])
        if (
            isinstance(function, ast.Name)
            and function.id in {"tqdm", "sorted", "list", "set", "reversed"}
            and node.args
        ):
            return _elements(ev, node.args[0], at, path)
        if isinstance(function, ast.Attribute) and function.attr in {"items", "values", "keys"}:
            owner = ev.values(function.value, at)
            wanted = path[:1] == (1,) if function.attr == "items" else function.attr == "values"
            rest = path[1:] if function.attr == "items" else path
            return (
                union(_members(ev, display, rest, keys=not wanted) for display in owner.displays())
                if owner.displays() and not owner.unknown
                else UNKNOWN
            )
        return UNKNOWN
    owner = ev.values(node, at)
    if not owner.displays() or owner.unknown:
        return UNKNOWN
    return union(_members(ev, display, path, keys=display.mapping) for display in owner.displays())


def _members(ev: Evaluates, display: Display, path: tuple[int, ...], *, keys: bool) -> Values:
    if keys:
        return Values(tuple(Known(key, _CONTEXT) for key, _, _ in display.entries), display.open)
    parts = [_unpacked(ev, ev.values(value, at), path).at_best(_CONTEXT) for _, value, at in display.entries]
    return union([*parts, UNKNOWN] if display.open else parts)


def _parameter(ev: Evaluates, binding: Binding) -> Values:
    """A parameter: what the callers in this file pass, else its default, else nothing is known."""
    function, text = binding.node, binding.qualified
    scope = binding.at.scope
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or scope.parent is None:
        return UNKNOWN
    owner = scope.parent if scope.parent.is_class else None
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in getattr(function, "decorator_list", ()))
    if owner is not None and not static and first_parameter(function) == text:
        return Values((Known(Instance(owner)),))
    arguments = function.args
    if text in {getattr(arguments.vararg, "arg", None), getattr(arguments.kwarg, "arg", None)}:
        display = Display((), mapping=text == getattr(arguments.kwarg, "arg", None), open=True, sources=(function,))
        return Values((Known(display),))
    outside = At(scope.parent, (), binding.at.order)
    default = _default(ev, function, text, outside)
    sites = _sites(ev, function, owner)
    if not sites:
        return default or _annotated(ev, function, text, outside) or _click(ev, function, text, outside) or UNKNOWN
    if len(sites) > _MOST_SITES:
        return UNKNOWN
    shift = 1 if owner is not None and not static else 0
    passed = [_passed(ev, function, text, site, shift) for site in sites]
    return union(default or UNKNOWN if part is None else part.at_best(_CONTEXT) for part in passed)


def parameters(function: Function) -> list[ast.arg]:
    """The parameters that can be given by position."""
    return [*function.args.posonlyargs, *function.args.args]


def _default(ev: Evaluates, function: Function, text: str, at: At) -> Values | None:
    positional = parameters(function)
    defaults = function.args.defaults
    for arg, node in zip(positional[len(positional) - len(defaults) :], defaults, strict=True):
        if arg.arg == text:
            return ev.values(node, at).at_best(Resolution.DEFAULT)
    for arg, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if arg.arg == text and value is not None:
            return ev.values(value, at).at_best(Resolution.DEFAULT)
    return None


def _annotated(ev: Evaluates, function: Function, text: str, at: At) -> Values | None:
    """A parameter annotated with a class of this file is an object of it."""
    for arg in (*parameters(function), *function.args.kwonlyargs):
        if arg.arg == text and isinstance(arg.annotation, ast.Name):
            node = ev.names.local(arg.annotation, at)
            scope = ev.tree.scopes.get(id(node)) if isinstance(node, ast.ClassDef) else None
            return Values((Known(Instance(scope)),)) if scope else None
    return None


def _click(ev: Evaluates, function: Function, text: str, at: At) -> Values | None:
    """`@click.option("--model-name", default=...)` above the function."""
    for decorator in getattr(function, "decorator_list", ()):
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        if decorator.func.attr == "option" and text in _option_names(decorator):
            default = keyword(decorator, "default")
            return ev.values(default, at).at_best(Resolution.DEFAULT) if default is not None else None
    return None


def _option_names(node: ast.Call) -> set[str]:
    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return {text.partition("/")[0].lstrip("-").replace("-", "_") for text in texts}


def _sites(ev: Evaluates, function: Function, owner: Scope | None) -> list[tuple[ast.Call, At]]:
    """The calls of this function in this file."""
    if isinstance(function, ast.Lambda):
        return []
    if owner is None:
        return [s for s in ev.tree.sites.get(function.name, []) if ev.names.local(s[0].func, s[1]) is function]
    text = getattr(owner.node, "name", "")
    if function.name == "__init__":
        return [s for s in ev.tree.sites.get(text, []) if ev.names.local(s[0].func, s[1]) is owner.node]
    mine = {f"{LOCAL}.{text}.{function.name}", f"{LOCAL}.{text}().{function.name}"}
    return [s for s in ev.tree.sites.get(function.name, []) if mine & set(ev.names.resolve(s[0].func, s[1]))]


def _passed(ev: Evaluates, function: Function, text: str, site: tuple[ast.Call, At], shift: int) -> Values | None:
    """What one call gives to the parameter; None when it leaves the default."""
    call, at = site
    value = keyword(call, text)
    if value is not None:
        return ev.values(value, at)
    names = [arg.arg for arg in parameters(function)][shift:]
    for index, argument in enumerate(call.args):
        if isinstance(argument, ast.Starred):
            return UNKNOWN
        if index < len(names) and names[index] == text:
            return ev.values(argument, at)
    return UNKNOWN if any(k.arg is None for k in call.keywords) else None


def attribute(ev: Evaluates, node: ast.Attribute, at: At) -> Values:
    """`owner.attr` for objects and classes of this file and for parsed arguments."""
    owner = ev.values(node.value, at)
    parts: list[Values] = [UNKNOWN] if owner.unknown else []
    for known in owner.known:
        if isinstance(known.value, Instance):
            parts.append(_member(ev, known.value, node.attr, 0))
        elif isinstance(known.value, Arguments):
            parts.append(_argument(ev, node.attr))
        else:
            parts.append(UNKNOWN)
    return union(parts)


def _member(ev: Evaluates, instance: Instance, attr: str, depth: int) -> Values:
    scope = instance.scope
    if instance.made is not None and instance.at is not None and "__init__" not in scope.names:
        given = keyword(instance.made, attr)
        if given is not None:
            return ev.values(given, instance.at).at_best(_CONTEXT)
    bindings = [*scope.attributes.get(attr, []), *(b for b in scope.names.get(attr, []) if b.kind == "assign")]
    if bindings and len(bindings) <= _MOST_BINDINGS:
        # an annotated class attribute is a dataclass's or a settings object's field: what it says is a default
        is_field = instance.made is not None or _is_dataclass(scope.node)
        how = Resolution.DEFAULT if is_field and attr not in scope.attributes else _CONTEXT
        return union(bound(ev, binding) for binding in bindings).at_best(how)
    if not isinstance(scope.node, ast.ClassDef) or depth > _MOST_BINDINGS or scope.parent is None:
        return UNKNOWN
    for base in scope.node.bases:
        node = ev.names.local(base, At(scope.parent, (), float("inf")))
        inner = ev.tree.scopes.get(id(node)) if isinstance(node, ast.ClassDef) else None
        if inner is not None:
            return _member(ev, Instance(inner, instance.made, instance.at), attr, depth + 1)
    return UNKNOWN


def _is_dataclass(node: ast.AST) -> bool:
    """Whether the class is decorated as a dataclass (`@dataclass`, `@dataclasses.dataclass(...)`)."""
    for decorator in getattr(node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if "dataclass" in (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")):
            return True
    return False


def _argument(ev: Evaluates, attr: str) -> Values:
    """The default of the command-line option that argparse stores under this name."""
    found = []
    for call, at in ev.tree.sites.get("add_argument", []):
        dest = keyword(call, "dest")
        names = _option_names(call) if dest is None else {getattr(dest, "value", None)}
        if attr not in names:
            continue
        default, action = keyword(call, "default"), keyword(call, "action")
        if default is not None:
            found.append(ev.values(default, at).at_best(Resolution.DEFAULT))
        elif isinstance(action, ast.Constant) and action.value in {"store_true", "store_false"}:
            found.append(Values((Known(action.value == "store_false", Resolution.DEFAULT),)))
        else:
            found.append(UNKNOWN)
    return union(found) if found else UNKNOWN


def option(ev: Evaluates, node: ast.Call, at: At) -> Values:
    """The default that `typer.Option(...)`, `pydantic.Field(...)` or `dataclasses.field(...)` states."""
    default = keyword(node, "default")
    if default is None and node.args:
        default = node.args[0]
    return UNKNOWN if default is None else ev.values(default, at).at_best(Resolution.DEFAULT)
