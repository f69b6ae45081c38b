"""What one walk over a module finds: scopes, what every name is bound to and where, and which nodes matter."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Block = tuple[tuple[int, str, bool], ...]


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function, lambda or comprehension with its names."""

    node: ast.AST
    parent: Scope | None = None
    names: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)  # of a class: what methods put on `self`
    outer: set[str] = field(default_factory=set)  # global and nonlocal
    stars: list[str] = field(default_factory=list)  # modules imported with *

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)


@dataclass(frozen=True, slots=True, eq=False)
class At:
    """Where code stands: its scope, the conditional blocks around it, and its statement's number in the file."""

    scope: Scope
    block: Block
    order: float


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One way in which a name gets its value.

    `kind` is import (`qualified` says what), assign, for, with (`node` is the expression, `path` the place in it
    when a tuple is unpacked), param (`node` is the function), def (`node`) or unknown. `at` is where `node` stands.
    """

    kind: str
    at: At
    node: ast.AST | None = None
    path: tuple[int, ...] = ()
    qualified: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Mutation:
    """`name[key] = value`, `name.setdefault(key, value)` or `name.update(key=value)`."""

    key: str
    value: ast.expr
    at: At


@dataclass(slots=True, eq=False)
class Tree:
    """What the walk found."""

    root: Scope
    calls: list[tuple[ast.Call, At]] = field(default_factory=list)
    sites: dict[str, list[tuple[ast.Call, At]]] = field(default_factory=dict)  # calls by their last name
    dicts: list[tuple[ast.Dict, At]] = field(default_factory=list)  # displays with a TRUST key
    mentions: list[tuple[ast.expr, ast.AST, At]] = field(default_factory=list)  # `...load` not called at once
    patches: list[tuple[ast.Attribute, ast.expr, At]] = field(default_factory=list)  # module.name = value
    mutations: dict[tuple[int, str], list[Mutation]] = field(default_factory=dict)
    returns: dict[int, list[tuple[ast.expr, At]]] = field(default_factory=dict)  # by id of the function node
    scopes: dict[int, Scope] = field(default_factory=dict)  # by id of the class or function node

    def lookup(self, name: str, at: At) -> list[Binding]:
        """The bindings that can be in force there, by Python's scope rules; empty for builtins and unknown names."""
        scope: Scope | None = at.scope
        first = True
        while scope is not None:
            if (first or not scope.is_class) and name in scope.names:
                return _in_force(scope.names[name], at) if first else scope.names[name]
            first = first and isinstance(scope.node, COMPREHENSIONS)
            scope = scope.parent
        return []


def _in_force(bindings: list[Binding], at: At) -> list[Binding]:
    """Those that can reach `at`: back from it to the first that surely ran, and those later in the same loop."""
    if len(bindings) == 1:
        return bindings
    loops = {entry for entry in at.block if entry[2]}
    found = [b for b in bindings if b.at.order >= at.order and not loops.isdisjoint(b.at.block)] if loops else []
    for binding in reversed(bindings):  # they are in the file's order
        if binding.at.order >= at.order:
            continue
        found.append(binding)
        if at.block[: len(binding.at.block)] == binding.at.block:
            break
    return found or bindings


def class_of_self(name: str, at: At) -> Scope | None:
    """The class whose method this is, when `name` is the method's first parameter."""
    scope: Scope | None = at.scope
    while scope is not None and name not in scope.names:
        scope = scope.parent
    if scope is None or scope.parent is None or not scope.parent.is_class:
        return None
    return scope.parent if first_parameter(scope.node) == name else None


def first_parameter(node: ast.AST) -> str:
    """`self` of a method, or an empty string."""
    if not isinstance(node, FUNCTIONS):
        return ""
    arguments = [*node.args.posonlyargs, *node.args.args]
    return arguments[0].arg if arguments else ""
