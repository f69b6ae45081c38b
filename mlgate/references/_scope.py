"""One walk over a module's tree: scopes, what every name is bound to and where, and what is worth a second look.

The walk keeps its own stack, so the depth of the tree costs memory and no recursion.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from mlgate.errors import Incomplete
from mlgate.references._table import TRUST

_MOST_NODES = 3_000_000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NESTED = {
    ast.If: {"body": False, "orelse": False},
    ast.For: {"body": True, "orelse": False},
    ast.AsyncFor: {"body": True, "orelse": False},
    ast.While: {"body": True, "orelse": False},
    ast.ExceptHandler: {"body": False},
    ast.match_case: {"body": False},
}

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
            first = first and isinstance(scope.node, _COMPREHENSIONS)
            scope = scope.parent
        return []


def _in_force(bindings: list[Binding], at: At) -> list[Binding]:
    """Those that can reach `at`: back from it to the first that surely ran, and those later in the same loop."""
    if len(bindings) == 1:
        return bindings
    loops = {entry for entry in at.block if entry[2]}
    found = [b for b in bindings if b.at.order >= at.order and not loops.isdisjoint(b.at.block)]
    for binding in sorted((b for b in bindings if b.at.order < at.order), key=lambda b: -b.at.order):
        found.append(binding)
        if at.block[: len(binding.at.block)] == binding.at.block:
            break
    return found or bindings


def grow(module: ast.Module) -> Tree:
    """The tree of a module. Raises Incomplete(limit) when it has more nodes than anybody writes."""
    return _Walk(module).run()


class _Walk:
    def __init__(self, module: ast.Module) -> None:
        self.tree = Tree(root=Scope(module))
        self.order = 0
        self.stack: list[tuple[ast.AST, ast.AST, At]] = []
        start = At(self.tree.root, (), 0)
        self.stack.extend((node, module, start) for node in reversed(module.body))

    def run(self) -> Tree:
        count = 0
        while self.stack:
            count += 1
            if count > _MOST_NODES:
                raise Incomplete("limit", f"more than {_MOST_NODES:,} nodes in one source file")
            node, parent, at = self.stack.pop()
            if isinstance(node, ast.stmt):
                self.order += 1
                at = At(at.scope, at.block, self.order)
                self.statement(node, at)
            elif isinstance(node, ast.expr):
                self.expression(node, parent, at)
            elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
                self.bind(node.name, Binding("unknown", at))
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)):
                self.enter(node, at)
            else:
                self.push(node, at)
        return self.tree

    def push(self, node: ast.AST, at: At, skip: tuple[str, ...] = ()) -> None:
        """The node's children, with the blocks that not every run enters."""
        nested = _NESTED.get(type(node), {})
        children: list[tuple[ast.AST, ast.AST, At]] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if name in skip or value is None or name in {"ctx", "op", "ops"}:
                continue
            inner = at
            if name in nested:
                inner = At(at.scope, (*at.block, (id(node), name, nested[name])), at.order)
            if isinstance(value, ast.AST):
                children.append((value, node, inner))
            elif isinstance(value, list):
                children.extend((item, node, inner) for item in value if isinstance(item, ast.AST))
        self.stack.extend(reversed(children))

    def enter(self, node: ast.AST, at: At) -> None:
        """A node with a scope of its own: what is evaluated outside is pushed with `at`, the rest inside."""
        scope = Scope(node, at.scope)
        self.tree.scopes[id(node)] = scope
        inner = At(scope, at.block if isinstance(node, _COMPREHENSIONS) else (), self.order)
        if isinstance(node, _COMPREHENSIONS):
            for generator in node.generators:
                self.target(generator.target, generator.iter, inner, "for")
            self.push(node, inner)
        elif isinstance(node, ast.ClassDef):
            self.push(node, inner, ("decorator_list", "bases", "keywords"))
            self.push(node, at, ("body",))
        elif isinstance(node, _FUNCTIONS):
            args = node.args
            for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
                if arg is not None:
                    scope.names[arg.arg] = [Binding("param", inner, node, qualified=arg.arg)]
            self.push(node, inner, ("args", "decorator_list", "returns"))
            self.push(args, at)
            for decorator in getattr(node, "decorator_list", ()):
                self.stack.append((decorator, node, at))

    def bind(self, name: str, binding: Binding) -> None:
        scope: Scope = binding.at.scope
        while isinstance(scope.node, _COMPREHENSIONS) and binding.kind == "assign" and scope.parent:
            scope = scope.parent  # a walrus binds outside the comprehension
        if name in scope.outer:
            binding = Binding("unknown", binding.at)
            self.tree.root.names.setdefault(name, []).append(binding)
        else:
            scope.names.setdefault(name, []).append(binding)

    def target(self, node: ast.AST, value: ast.expr, at: At, kind: str = "assign", path: tuple[int, ...] = ()) -> None:
        if isinstance(node, ast.Name):
            self.bind(node.id, Binding(kind, at, value, path))
        elif isinstance(node, (ast.Tuple, ast.List)):
            starred = any(isinstance(item, ast.Starred) for item in node.elts)
            for index, item in enumerate(node.elts):
                self.target(item, value, at, "unknown" if starred else kind, (*path, index))
        elif isinstance(node, ast.Starred):
            self.target(node.value, value, at, "unknown")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = _class_of_self(node.value.id, at)
            if owner is not None:
                owner.attributes.setdefault(node.attr, []).append(Binding(kind, at, value, path))
            elif kind == "assign" and not path:
                self.tree.patches.append((node, value, at))
        elif isinstance(node, ast.Attribute) and kind == "assign" and not path:
            self.tree.patches.append((node, value, at))
        else:
            match node:
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if not path:
                    self.mutate(name, key, value, at)
                case _:
                    pass

    def mutate(self, name: str, key: str, value: ast.expr, at: At) -> None:
        self.tree.mutations.setdefault((id(at.scope), name), []).append(Mutation(key, value, at))

    def statement(self, node: ast.stmt, at: At) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.target(target, node.value, at)
            return
        match node:
            case ast.AnnAssign(value=ast.expr() as value):
                self.target(node.target, value, at)
            case ast.AugAssign(target=ast.Name(id=name)):
                self.bind(name, Binding("unknown", at))
            case ast.For() | ast.AsyncFor():
                self.target(node.target, node.iter, at, "for")
            case ast.With() | ast.AsyncWith():
                self.context_managers(node, at)
            case ast.Import() | ast.ImportFrom():
                self.imports(node, at)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.bind(node.name, Binding("def", at, node))
            case ast.Return(value=ast.expr() as value):
                self.tree.returns.setdefault(id(at.scope.node), []).append((value, at))
            case ast.Global() | ast.Nonlocal():
                at.scope.outer.update(node.names)
            case _:
                pass

    def context_managers(self, node: ast.With | ast.AsyncWith, at: At) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self.target(item.optional_vars, item.context_expr, at, "with")

    def imports(self, node: ast.Import | ast.ImportFrom, at: At) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                self.bind(alias.asname or root, Binding("import", at, qualified=alias.name if alias.asname else root))
            return
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                at.scope.stars.append(module)
            else:
                joined = f"{module}{alias.name}" if module.endswith(".") else f"{module}.{alias.name}"
                self.bind(alias.asname or alias.name, Binding("import", at, qualified=joined))

    def expression(self, node: ast.expr, parent: ast.AST, at: At) -> None:
        match node:
            case ast.Call():
                self.tree.calls.append((node, at))
                last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if last:
                    self.tree.sites.setdefault(last, []).append((node, at))
                self.dictionary_call(node, at)
            case ast.Dict():
                if any(isinstance(key, ast.Constant) and key.value == TRUST for key in node.keys):
                    self.tree.dicts.append((node, at))
            case ast.Attribute(attr="load", ctx=ast.Load()) | ast.Name(ctx=ast.Load()):
                called = isinstance(parent, ast.Call) and parent.func is node
                if not called and not isinstance(parent, ast.Attribute) and "load" in getattr(node, "id", "load"):
                    self.tree.mentions.append((node, parent, at))
            case ast.NamedExpr():
                self.bind(node.target.id, Binding("assign", At(at.scope, at.block, at.order - 0.5), node.value))
            case _:
                pass

    def dictionary_call(self, node: ast.Call, at: At) -> None:
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"),
                args=[ast.Constant(value=str(key)), value],
            ):
                self.mutate(name, key, value, at)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update"), args=arguments):
                for keyword in node.keywords:
                    if keyword.arg:
                        self.mutate(name, keyword.arg, keyword.value, at)
                for argument in arguments:
                    if isinstance(argument, ast.Dict):
                        for entry, item in zip(argument.keys, argument.values, strict=True):
                            if isinstance(entry, ast.Constant) and isinstance(entry.value, str):
                                self.mutate(name, entry.value, item, at)
            case _:
                pass


def _class_of_self(name: str, at: At) -> Scope | None:
    """The class whose method this is, when `name` is the method's first parameter."""
    scope: Scope | None = at.scope
    while scope is not None and name not in scope.names:
        scope = scope.parent
    if scope is None or scope.parent is None or not scope.parent.is_class:
        return None
    return scope.parent if first_parameter(scope.node) == name else None


def first_parameter(node: ast.AST) -> str:
    """`self` of a method, or an empty string."""
    if not isinstance(node, _FUNCTIONS):
        return ""
    arguments = [*node.args.posonlyargs, *node.args.args]
    return arguments[0].arg if arguments else ""
