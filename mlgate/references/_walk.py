"""The walk that makes a Tree. It keeps its own stack, so the depth of the source costs memory and no recursion."""

from __future__ import annotations

import ast

from mlgate.errors import Incomplete
from mlgate.references._scope import COMPREHENSIONS, FUNCTIONS, At, Binding, Mutation, Scope, Tree, class_of_self
from mlgate.references._table import TRUST

_MOST_NODES = 3_000_000
_SCOPES = (*FUNCTIONS, ast.ClassDef, *COMPREHENSIONS)
_NESTED = {
    ast.If: {"body": False, "orelse": False},
    ast.For: {"body": True, "orelse": False},
    ast.AsyncFor: {"body": True, "orelse": False},
    ast.While: {"body": True, "orelse": False},
    ast.ExceptHandler: {"body": False},
    ast.match_case: {"body": False},
}

# No code that loads anything stands in these fields.
_DULL = frozenset(
    {
        *("ctx", "op", "ops", "annotation", "returns", "type_comment", "type_params", "type_ignores"),
        *("names", "name", "id", "attr", "arg", "kind", "conversion", "level", "module"),
    }
)


# Each node type's fields in reverse order, with None, or for a block that not every run enters: is it a loop.
_FIELDS = {
    kind: tuple((name, _NESTED.get(kind, {}).get(name)) for name in reversed(kind._fields) if name not in _DULL)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


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
        stack = self.stack
        while stack:
            count += 1
            if count > _MOST_NODES:
                raise Incomplete("limit", f"more than {_MOST_NODES:,} nodes in one source file")
            node, parent, at = stack.pop()
            if isinstance(node, ast.stmt):
                self.order += 1
                at = At(at.scope, at.block, self.order)
                self.statement(node, at)
            elif isinstance(node, ast.expr):
                self.expression(node, parent, at)
            elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
                self.bind(node.name, Binding("unknown", at))
            if isinstance(node, _SCOPES):
                self.enter(node, at)
            else:
                self.push(node, at)
        return self.tree

    def push(self, node: ast.AST, at: At, skip: tuple[str, ...] = ()) -> None:
        """The node's children, with the blocks that not every run enters. Constants and names end here."""
        for name, loop in _FIELDS[type(node)]:
            value = getattr(node, name)
            if value is None or name in skip:
                continue
            inner = at if loop is None else At(at.scope, (*at.block, (id(node), name, loop)), at.order)
            for child in reversed(value) if type(value) is list else (value,):
                kind = type(child)
                if kind is ast.Name:
                    if "load" in child.id:
                        self.mention(child, node, inner)
                elif kind is not ast.Constant and isinstance(child, ast.AST):
                    self.stack.append((child, node, inner))

    def mention(self, node: ast.Name | ast.Attribute, parent: ast.AST, at: At) -> None:
        """A name that may be torch.load, where it is not called at once."""
        called = isinstance(parent, ast.Call) and parent.func is node
        if not called and not isinstance(parent, ast.Attribute) and isinstance(node.ctx, ast.Load):
            self.tree.mentions.append((node, parent, at))

    def enter(self, node: ast.AST, at: At) -> None:
        """A node with a scope of its own: what is evaluated outside is pushed with `at`, the rest inside."""
        scope = Scope(node, at.scope)
        self.tree.scopes[id(node)] = scope
        inner = At(scope, at.block if isinstance(node, COMPREHENSIONS) else (), self.order)
        if isinstance(node, COMPREHENSIONS):
            for generator in node.generators:
                self.target(generator.target, generator.iter, inner, "for")
            self.push(node, inner)
        elif isinstance(node, ast.ClassDef):
            self.push(node, inner, ("decorator_list", "bases", "keywords"))
            self.push(node, at, ("body",))
        elif isinstance(node, FUNCTIONS):
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
        while isinstance(scope.node, COMPREHENSIONS) and binding.kind == "assign" and scope.parent:
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
            owner = class_of_self(node.value.id, at)
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
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.imports(node, at)
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
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.bind(node.name, Binding("def", at, node))
            case ast.Return(value=ast.expr() as value):
                self.tree.returns.setdefault(id(at.scope.node), []).append((value, at))
            case ast.Delete():
                self.deletions(node, at)
            case ast.Global() | ast.Nonlocal():
                at.scope.outer.update(node.names)
            case _:
                pass

    def deletions(self, node: ast.Delete, at: At) -> None:
        for target in node.targets:
            match target:
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))):
                    self.mutate(name, key, target, at)  # refers to itself, so its value is unknown
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
            case ast.Attribute(attr="load" | "loads"):
                self.mention(node, parent, at)
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
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="pop"), args=[ast.Constant(value=str(key)), *_]
            ):
                self.mutate(name, key, node, at)  # what is there afterwards is unknown, as the call's value is
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
