"""Expressions to qualified names: what a call calls, through imports, aliases and attributes.

`torch.load` for an import, `.models.Net` for a relative one, `<local>.Net` for a class or function of this file,
`pickle.Unpickler()` for an instance, and `?` where nothing is known (`?.from_pretrained` for a method of it).
"""

from __future__ import annotations

import ast
import builtins

from mlgate.references._scope import At, Binding, Function, Scope, Tree, first_parameter

UNKNOWN = "?"
LOCAL = "<local>"
_MOST = 8  # names one expression can stand for
_DEPTH = 16
_BUILTINS = frozenset(dir(builtins))


class Names:
    """Resolves names in one tree. Answers are kept, so asking twice costs nothing."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._known: dict[int, tuple[str, ...]] = {}

    def resolve(self, node: ast.AST, at: At, depth: int = 0) -> tuple[str, ...]:
        """All qualified names the expression can stand for, at least one."""
        known = self._known.get(id(node))
        if known is not None:
            return known
        if depth > _DEPTH:
            return (UNKNOWN,)
        self._known[id(node)] = (UNKNOWN,)  # a cycle ends here
        names = tuple(dict.fromkeys(self._resolve(node, at, depth + 1)))[:_MOST] or (UNKNOWN,)
        self._known[id(node)] = names
        return names

    def _resolve(self, node: ast.AST, at: At, depth: int) -> list[str]:
        match node:
            case ast.Name(id=name):
                return self._name(name, at, depth)
            case ast.Attribute(value=value, attr=attr):
                return [_joined(owner, attr) for owner in self.resolve(value, at, depth)]
            case ast.Call():
                return self._call(node, at, depth)
            case ast.IfExp():
                return [*self.resolve(node.body, at, depth), *self.resolve(node.orelse, at, depth)]
            case ast.BoolOp():
                return [name for value in node.values for name in self.resolve(value, at, depth)]
            case ast.NamedExpr() | ast.Await():
                return list(self.resolve(node.value, at, depth))
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                return self._reflected(node.value, key, at, depth)
            case ast.Subscript(value=ast.Attribute(attr="__dict__", value=owner)):
                return [_joined(name, UNKNOWN) for name in self.resolve(owner, at, depth)]
            case _:
                return [UNKNOWN]

    def _name(self, name: str, at: At, depth: int) -> list[str]:
        bindings = self.tree.lookup(name, at)
        found = [qualified for binding in bindings[:_MOST] for qualified in self._bound(name, binding, depth)]
        if bindings:
            return found
        scope: Scope | None = at.scope
        while scope is not None:
            found.extend(f"{module}.{name}" for module in scope.stars)
            scope = scope.parent
        return found or [name if name in _BUILTINS else UNKNOWN]

    def _bound(self, name: str, binding: Binding, depth: int) -> tuple[str, ...]:
        if binding.kind == "import":
            return (binding.qualified,)
        if binding.kind == "def":
            return (f"{LOCAL}.{name}",)
        if binding.kind == "param" and binding.node is not None:
            owner = binding.at.scope.parent
            if owner is not None and owner.is_class and first_parameter(binding.node) == name:
                return (f"{LOCAL}.{getattr(owner.node, 'name', '')}",)
        if binding.kind == "assign" and binding.node is not None:
            node: ast.AST = binding.node
            for index in binding.path:
                if not isinstance(node, (ast.Tuple, ast.List)) or index >= len(node.elts):
                    return (UNKNOWN,)
                node = node.elts[index]
            return self.resolve(node, binding.at, depth)
        return (UNKNOWN,)

    def _call(self, node: ast.Call, at: At, depth: int) -> list[str]:
        """What a call gives: a module for import_module, the attribute for getattr, else an instance."""
        functions = self.resolve(node.func, at, depth)
        match functions, node.args:
            case (
                ("importlib.import_module" | "__import__" | "builtins.__import__",),
                [ast.Constant(value=str(name)), *_],
            ):
                return [name]
            case (("getattr",), [owner, ast.Constant(value=str(attr)), *_]):
                return [_joined(name, attr) for name in self.resolve(owner, at, depth)]
            case (("getattr",), [owner, _, *_]):
                return [
                    UNKNOWN if name == UNKNOWN else _joined(name, UNKNOWN) for name in self.resolve(owner, at, depth)
                ]
            case _:
                return [UNKNOWN if name == UNKNOWN else f"{name}()" for name in functions]

    def _reflected(self, owner: ast.expr, key: str, at: At, depth: int) -> list[str]:
        """`vars(module)["name"]`, `module.__dict__["name"]` and `sys.modules["module"]`."""
        if isinstance(owner, ast.Attribute) and owner.attr == "__dict__":
            return [_joined(name, key) for name in self.resolve(owner.value, at, depth)]
        if isinstance(owner, ast.Call) and owner.args and self.resolve(owner.func, at, depth) == ("vars",):
            return [_joined(name, key) for name in self.resolve(owner.args[0], at, depth)]
        return [key if self.resolve(owner, at, depth) == ("sys.modules",) else UNKNOWN]

    def local(self, node: ast.AST, at: At, depth: int = 0) -> ast.AST | None:
        """The class or function of this file that the expression names, if it is one and only one."""
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Name):
            bindings = self.tree.lookup(node.id, at)
            if len(bindings) == 1 and bindings[0].kind == "def":
                return bindings[0].node
            if len(bindings) == 1 and bindings[0].kind == "param" and bindings[0].node is not None:
                scope = bindings[0].at.scope.parent
                if scope is not None and scope.is_class and first_parameter(bindings[0].node) == node.id:
                    return scope.node
        elif isinstance(node, ast.Attribute):
            owner = self.local(node.value, at, depth + 1)
            if isinstance(owner, ast.ClassDef):
                return self.method(owner, node.attr)
        elif isinstance(node, ast.Call):
            made = self.local(node.func, at, depth + 1)
            return made if isinstance(made, ast.ClassDef) else None
        return None

    def method(self, owner: ast.ClassDef, name: str) -> Function | None:
        """A method that this class itself defines."""
        for item in owner.body:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and item.name == name:
                return item
        return None

    def bases(self, node: ast.ClassDef, depth: int = 0) -> tuple[str, ...]:
        """Qualified names of the class's bases, with those of bases in this file."""
        scope = self.tree.scopes.get(id(node))
        if scope is None or scope.parent is None or depth > _DEPTH:
            return ()
        outside = At(scope.parent, (), float("inf"))
        found: list[str] = []
        for base in node.bases[:_MOST]:
            found.extend(self.resolve(base, outside))
            inner = self.local(base, outside)
            if isinstance(inner, ast.ClassDef):
                found.extend(self.bases(inner, depth + 1))
        return tuple(found)


def _joined(owner: str, attr: str) -> str:
    return f"{owner}{attr}" if owner.endswith(".") else f"{owner}.{attr}"


def root(qualified: str) -> str:
    """The package a qualified name is from; empty for relative names."""
    return qualified.partition(".")[0]


def takes(node: ast.AST | None, name: str) -> bool:
    """Whether it is a function (or a class's __init__) with an explicit parameter of that name."""
    if isinstance(node, ast.ClassDef):
        node = next((i for i in node.body if isinstance(i, ast.FunctionDef) and i.name == "__init__"), None)
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    return any(arg.arg == name for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
