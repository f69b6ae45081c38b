"""Which expressions the names of a module stand for, wherever in it that is said."""

from __future__ import annotations

import ast
from collections.abc import Sequence


class Names:
    """The assignments, loops and functions of one module, by name."""

    def __init__(self, module: ast.Module) -> None:
        self.nodes = list(ast.walk(module))
        self.assigned: dict[str, list[ast.expr]] = {}
        self.keyed: dict[str, list[tuple[ast.expr, ast.expr]]] = {}
        self.merged: dict[str, list[ast.expr]] = {}
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self._bound: dict[str, list[tuple[int, int, ast.expr]]] = {}
        for node in self.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, (ast.AnnAssign, ast.AugAssign)) and node.value is not None:
                self._assign(node.target, node.value)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions[node.name] = node
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                self._method(node, node.func)
            else:
                self._block(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            self.keyed.setdefault(target.value.id, []).append((target.slice, value))

    def _method(self, node: ast.Call, function: ast.Attribute) -> None:
        """What `x.append(y)` and its like put into a list or dict."""
        owner, method = function.value, function.attr
        if isinstance(owner, ast.Name) and method in {"append", "extend", "add", "update", "insert"}:
            self.merged.setdefault(owner.id, []).extend(node.args[-1:])
            for keyword in node.keywords:
                if method == "update" and keyword.arg:
                    key = ast.copy_location(ast.Constant(keyword.arg), keyword.value)
                    self.keyed.setdefault(owner.id, []).append((key, keyword.value))
        elif isinstance(owner, ast.Subscript) and isinstance(owner.value, ast.Name) and node.args:
            self.keyed.setdefault(owner.value.id, []).append((owner.slice, node.args[-1]))

    def _block(self, node: ast.AST) -> None:
        """What loops, comprehensions and `with` give a name inside of them. A list stands for each of its items."""
        pairs: Sequence[tuple[ast.expr | None, ast.expr]] = ()
        if isinstance(node, ast.For):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            pairs = [(part.target, part.iter) for part in node.generators]
        elif isinstance(node, ast.With):
            pairs = [(item.optional_vars, item.context_expr) for item in node.items]
        if isinstance(node, (ast.stmt, ast.expr)):
            for target, value in pairs:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name):
                        place = (node.lineno, node.end_lineno or node.lineno, value)
                        self._bound.setdefault(name.id, []).append(place)

    def bindings(self, node: ast.Name) -> list[ast.expr]:
        """What the innermost block around a name gives it, else all that is ever assigned to it."""
        around = [each for each in self._bound.get(node.id, ()) if each[0] <= node.lineno <= each[1]]
        if around:
            return [min(around, key=lambda each: each[1] - each[0])[2]]
        return [*self.assigned.get(node.id, ()), *self.merged.get(node.id, ())]
