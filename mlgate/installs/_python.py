"""Commands that Python code starts: `subprocess`, `os.system`, pip's own `main`, nox sessions (their documentations).

Nothing is run: words and variables are taken from what is written out in the same file.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from mlgate.references._commands_shell import Arg, Command, arg
from mlgate.references._domain import UNKNOWN

_STARTS = frozenset(
    {"run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput", "system", "popen", "sudo"}
    | {"local", "create_subprocess_exec", "create_subprocess_shell", "execv", "execvp", "execl", "execlp"}
    | {"spawnv", "spawnl"}
)
_PIP = frozenset({"pip", "pip.main", "pip._internal.main", "pip._internal.cli.main.main", "pipmain", "pip_main"})
_SESSION = {"install": ("pip", "install"), "conda_install": ("conda", "install")}
_BEFORE = frozenset({"execv", "execvp", "execl", "execlp", "spawnv", "spawnl"})  # the program stands before its words
_MOST_NODES = 400_000
_MOST_WORDS = 500
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Script:
    """A text that a shell runs."""

    text: str
    line: int


def started(module: ast.Module) -> Iterator[Command | Script]:
    """What the calls of a module start, in order of their lines."""
    bound, calls, mains = _collect(module)
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = _dotted(call.func)
        last = name.rpartition(".")[2]
        end = call.end_lineno or call.lineno
        if name in _PIP | mains or name.endswith((".pipmain", "_internal.main")):
            words = _words(call.args[0], bound) if call.args else []
            if words:
                yield Command(args=(arg("pip", call.lineno), *words), line=call.lineno, end=end)
        elif name.partition(".")[0] == "session" and last in _SESSION:
            words = [word for each in call.args for word in _word(each, bound)]
            fixed = tuple(arg(text, call.lineno) for text in _SESSION[last])
            yield Command(args=(*fixed, *words), line=call.lineno, end=end)
        elif last == "run_line_magic" and len(call.args) > 1:
            yield Script(f"{_text(call.args[0], bound)} {_text(call.args[1], bound)}", call.lineno)
        elif last in _STARTS and call.args:
            yield from _started(call, last, bound, end)


def _started(call: ast.Call, name: str, bound: dict[str, ast.expr | None], end: int) -> Iterator[Command | Script]:
    first = _settled(call.args[0], bound)
    if name in _BEFORE and len(call.args) > 1:
        first = _settled(call.args[1], bound)
    if isinstance(first, ast.Call):
        if _dotted(first.func).endswith("split"):
            yield Command(args=tuple(_words(first, bound)), line=call.lineno, end=end)
    elif isinstance(first, ast.List | ast.Tuple | ast.BinOp) and (words := _words(first, bound)):
        if isinstance(first, ast.BinOp) and not _is_list(first, bound):
            yield Script(_text(first, bound), call.lineno)
        else:
            yield Command(args=tuple(words), line=call.lineno, end=end)
    elif len(call.args) > 1 and name not in _BEFORE and _is_text(call.args[1], bound):
        words = [word for each in call.args for word in _word(each, bound)]  # nox, asyncio: a word an argument
        yield Command(args=tuple(words), line=call.lineno, end=end)
    elif text := _text(first, bound):
        yield Script(text, call.lineno)


def _collect(module: ast.Module) -> tuple[dict[str, ast.expr | None], list[ast.Call], frozenset[str]]:
    """What names are bound to where that is one expression in the file, all calls, and the names of pip's main."""
    bound: dict[str, ast.expr | None] = {}
    mains: set[str] = set()
    calls: list[ast.Call] = []
    for count, node in enumerate(ast.walk(module)):
        if count > _MOST_NODES:
            break
        if isinstance(node, ast.Call):
            calls.append(node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pip":
            mains.update(each.asname or each.name for each in node.names if each.name == "main")
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                value = None if isinstance(node, ast.AugAssign) or target.id in bound else getattr(node, "value", None)
                bound[target.id] = value
    return bound, calls, frozenset(mains)


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < _DEPTH:
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))


def _settled(node: ast.expr, bound: dict[str, ast.expr | None]) -> ast.expr:
    for _ in range(_DEPTH):
        value = bound.get(node.id) if isinstance(node, ast.Name) else None
        if value is None:
            break
        node = value
    return node


def _is_text(node: ast.expr, bound: dict[str, ast.expr | None]) -> bool:
    node = _settled(node, bound)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_list(node: ast.expr, bound: dict[str, ast.expr | None]) -> bool:
    for _ in range(_DEPTH):
        node = _settled(node, bound)
        if not isinstance(node, ast.BinOp):
            break
        node = node.left
    return isinstance(node, ast.List | ast.Tuple)


def _words(node: ast.expr, bound: dict[str, ast.expr | None]) -> list[Arg]:
    """The words of a list, lists that are added and texts that are split included."""
    words: list[Arg] = []
    pending = [node]
    for _ in range(_MOST_WORDS):
        if not pending:
            break
        node = _settled(pending.pop(), bound)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            pending += [node.right, node.left]
        elif isinstance(node, ast.List | ast.Tuple):
            for each in node.elts[:_MOST_WORDS]:
                words += _word(each, bound)
        elif isinstance(node, ast.Call) and _dotted(node.func) == "shlex.split" and node.args:
            words += _split(_text(node.args[0], bound), node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
            words += _split(_text(node.func.value, bound), node.lineno)
        else:
            words.append(Arg(UNKNOWN, f"${{{_source(node)}}}", node.lineno))
    return words[:_MOST_WORDS]


def _split(text: str, line: int) -> list[Arg]:
    try:
        return [_made(word, line) for word in shlex.split(text)]
    except ValueError:
        return []


def _word(node: ast.expr, bound: dict[str, ast.expr | None]) -> list[Arg]:
    """One word; of `*words` those that are written out."""
    if isinstance(node, ast.Starred):
        return _words(node.value, bound)
    node = _settled(node, bound)
    if _dotted(node) == "sys.executable":
        return [arg("python", node.lineno)]
    if isinstance(node, ast.List | ast.Tuple):
        return _words(node, bound)
    text = _text(node, bound)
    return [_made(text, node.lineno) if text else Arg(UNKNOWN, f"${{{_source(node)}}}", node.lineno)]


def _made(text: str, line: int) -> Arg:
    start = text.partition("${")[0]
    return arg(text, line) if start == text else Arg(UNKNOWN, text, line, start)


def _text(node: ast.expr, bound: dict[str, ast.expr | None]) -> str:
    """A text with `${...}` for what is not written out, as a shell would have it; "" for other values."""
    node = _settled(node, bound)
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else _filled(part, bound) for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _added(node, bound)
    return ""


def _added(node: ast.BinOp, bound: dict[str, ast.expr | None]) -> str:
    """Texts that are added; "" when none of the parts is one."""
    parts: list[ast.expr] = []
    pending: list[ast.expr] = [node]
    for _ in range(_MOST_WORDS):  # a name can be bound to something with itself in it
        if not pending:
            break
        each = _settled(pending.pop(), bound)
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add):
            pending += [each.right, each.left]
        else:
            parts.append(each)
    texts = [_text(each, {}) for each in parts]
    if not any(texts):
        return ""
    return "".join(text or f"${{{_source(each)}}}" for text, each in zip(texts, parts, strict=True))


def _filled(part: ast.expr, bound: dict[str, ast.expr | None]) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if _dotted(value) == "sys.executable":
        return "python"
    known = _settled(value, bound)
    if isinstance(known, ast.Constant) and isinstance(known.value, str):
        return known.value
    return f"${{{_source(value)}}}"


def _source(node: ast.expr) -> str:
    """A variable's name for an expression, so that two unknown ones stay apart and none is expanded."""
    name = _dotted(node).replace(".", "_")
    return name if name.isidentifier() and name.isascii() else f"value_{node.lineno}"
