"""Expressions in exported programs of PyTorch: which are arithmetic, and which would run something.

torch/_export/serde/serialize.py gives `expr_str` to sympy.sympify, which evaluates Python with the built-in functions
at hand; torch/export/_unlift.py puts `guards_code` into a function and executes that.
"""

from __future__ import annotations

import ast
import re

from mlgate.errors import Incomplete

_LONGEST = 1 << 16
_PLAIN = re.compile(r"[\w .,:/+-]{0,500}", re.ASCII)
# srepr writes Symbol('s0'), Float('1.5', precision=53); any other text would be evaluated once more
_NAME = re.compile(r"[A-Za-z_]\w{0,200}|[+-]?[\d.]{1,100}(e[+-]?\d{1,5})?", re.ASCII)
_CALLED = re.compile(r"[A-Z]\w*", re.ASCII)
_LOWER = frozenset(
    {"floor", "ceiling", "max", "min", "abs", "log", "exp", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh"}
    | {"cosh", "tanh", "len", "int", "float", "bool", "isinstance", "pow", "round"}
)
# These make expressions out of text or files, or bring functions.
_DENIED = frozenset({"S", "Lambda", "Function", "UndefinedFunction", "WildFunction", "FunctionClass"})
_ARITHMETIC = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Tuple, ast.List, ast.Load, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop, ast.keyword, ast.IfExp,
)  # fmt: skip
_ROOTS = frozenset({"L", "args", "math"})


def runs(text: str, *, guard: bool = False) -> str:
    """What an expression would do beyond arithmetic, or "". Guards may also ask inputs for their sizes.

    Raises Incomplete (limit) when it is too long or too deep to tell.
    """
    if len(text) > _LONGEST:
        raise Incomplete("limit", "an expression of more than 65,536 characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        nodes = list(ast.walk(tree))
    except (SyntaxError, ValueError):
        return "is no expression"
    except (RecursionError, MemoryError):
        raise Incomplete("limit", "an expression that is nested too deep") from None
    return next((why for node in nodes if (why := _node(node, guard=guard))), "")


def _node(node: ast.AST, *, guard: bool) -> str:
    if isinstance(node, _ARITHMETIC):
        return ""
    if isinstance(node, ast.Name):
        return f"uses {node.id}" if "__" in node.id else ""
    if isinstance(node, ast.Constant):
        return _constant(node.value, guard=guard)
    if isinstance(node, ast.Call):
        return _call(node.func, guard=guard)
    if guard and isinstance(node, ast.Subscript):
        return ""
    if guard and isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
        return _root(node)
    return f"holds a {type(node).__name__}"


def _constant(value: object, *, guard: bool) -> str:
    if isinstance(value, str):
        right = (_PLAIN if guard else _NAME).fullmatch(value) is not None and "__" not in value
        return "" if right else "holds text that would be evaluated"
    return "" if value is None or isinstance(value, int | float | complex) else "holds bytes"


def _call(called: ast.expr, *, guard: bool) -> str:
    if isinstance(called, ast.Name):
        name = called.id
        known = name in _LOWER or (_CALLED.fullmatch(name) and name not in _DENIED)
        return "" if known else f"calls {name[:100]}"
    return "" if guard and isinstance(called, ast.Attribute) else "calls what is no name"


def _root(node: ast.expr) -> str:
    """Attributes are asked of inputs and of `math`, at any distance."""
    at = node
    while isinstance(at, ast.Attribute | ast.Subscript | ast.Call):
        at = at.func if isinstance(at, ast.Call) else at.value
    return "" if isinstance(at, ast.Name) and at.id in _ROOTS else "reaches into something else than inputs"
